"""Clients: XML-RPC over unix and TCP sockets, and HTTP as it is on the wire."""
import base64
import http.client
import socket
import xmlrpc.client

from .waiting import SCALE


def connect(address, timeout=15):
    """`address`: the path of a unix socket, or (host, port)."""
    if isinstance(address, tuple):
        return socket.create_connection(address, timeout * SCALE)
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(timeout * SCALE)
    try:
        connection.connect(address)
    except OSError:
        connection.close()
        raise
    return connection


class _Connection(http.client.HTTPConnection):
    def __init__(self, address):
        super().__init__("localhost")
        self._address = address

    def connect(self):
        self.sock = connect(self._address, timeout=40)


class _Transport(xmlrpc.client.Transport):
    def __init__(self, address, credentials):
        super().__init__()
        self._address = address
        self._credentials = credentials

    def make_connection(self, host):
        if not self._connection or self._connection[0] != host:
            self._connection = host, _Connection(self._address)
        return self._connection[1]

    def send_headers(self, connection, headers):
        if self._credentials:
            connection.putheader("Authorization", basic(*self._credentials))
        super().send_headers(connection, headers)


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def xmlrpc_client(address, credentials=None):
    return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_Transport(address, credentials))


class _TransportThatAsksOnce(_Transport):
    """Python's own asks again when a connection is cut off, and then nobody knows how often it asked."""

    def request(self, host, handler, request_body, verbose=False):
        return self.single_request(host, handler, request_body, verbose)


def xmlrpc_client_that_asks_once(address):
    return xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_TransportThatAsksOnce(address, None))


def outcome(function, *arguments):
    """A call's result or failure, as data that can be compared."""
    try:
        return ("value", function(*arguments))
    except xmlrpc.client.Fault as fault:
        return ("fault", fault.faultCode, fault.faultString)
    except xmlrpc.client.ProtocolError as error:
        return ("http", error.errcode)


def call_body(method, *arguments):
    return xmlrpc.client.dumps(arguments, method).encode()


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"Reply({self.status}, {self.headers}, {self.body[:300]!r})"


class Wire:
    """One connection, request bytes out, replies in."""

    def __init__(self, address, timeout=15):
        self.socket = connect(address, timeout)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())
        return self

    def request(self, method, target, body=None, headers=(), version="1.1"):
        lines = [f"{method} {target} HTTP/{version}", "Host: localhost", *headers]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines) + "\r\n\r\n")
        if body:
            self.send(body)
        return self.reply()

    def _more(self):
        data = self.socket.recv(65536)
        self._buffer += data
        return bool(data)

    def _until(self, mark):
        while mark not in self._buffer:
            if not self._more():
                return None
        head, self._buffer = self._buffer.split(mark, 1)
        return head

    def take(self, count):
        """So many bytes, or fewer when the peer closes."""
        while len(self._buffer) < count and self._more():
            pass
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def head(self):
        """Status and headers (names in lower case) of the next reply; None when the peer closed instead."""
        text = self._until(b"\r\n\r\n")
        if text is None:
            return None
        first, *rest = text.decode("latin-1").split("\r\n")
        headers = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return Reply(int(first.split()[1]), headers, b"")

    def chunk(self):
        """The next piece of a chunked body; empty at its end."""
        size = int(self._until(b"\r\n"), 16)
        data = self.take(size)
        self.take(2)
        return data

    def reply(self):
        reply = self.head()
        if reply is None:
            return None
        if reply.headers.get("transfer-encoding") == "chunked":
            while piece := self.chunk():
                reply.body += piece
        else:
            reply.body = self.take(int(reply.headers.get("content-length", 0)))
        return reply

    def closed(self, patience=0.5):
        """True when the peer closes the connection, False when it stays silent for so long."""
        self.socket.settimeout(patience * SCALE)
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True
