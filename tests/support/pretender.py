"""A server that answers XML-RPC as it is told, for control programs: it can be of any kind and in any trouble."""
import re
import socket
import threading
import xmlrpc.client


class Pretender:
    """Listens on a unix socket at `path`, or on a port of its own. `answers`: what each method gives, a value, a Fault
    or a Status; a tuple is given one after the other, and its last stays. `pages`: status and text of targets of GET.
    `once`: there is no second connection."""

    def __init__(self, answers, pages=None, path=None, once=False):
        self._answers = {"getVersion": "3.0", **answers}
        self._pages = pages or {}
        self._once = once
        self.requests = []  # (connection, first line, headers, body)
        if path is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self.url = "http://127.0.0.1:%d" % self._socket.getsockname()[1]
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(path)
            self._socket.listen()
            self.url = f"unix://{path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    @property
    def calls(self):
        """What was asked for, without the greeting: "method argument ..." or "GET target"."""
        found = []
        for _, first, _, body in self.requests:
            if first.startswith("POST "):
                params, method = xmlrpc.client.loads(body)
                found.append(" ".join([method.partition(".")[2], *map(str, params)]))
            else:
                found.append(first.rpartition(" ")[0])
        return [call for call in found if call != "getVersion"]

    def _accept(self):
        number = 0
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            number += 1
            if self._once:
                self._socket.close()
            threading.Thread(target=self._serve, args=(connection, number), daemon=True).start()

    def _serve(self, connection, number):
        with connection, connection.makefile("rb") as stream:
            while first := stream.readline():
                headers = [line.decode().rstrip("\r\n") for line in iter(stream.readline, b"\r\n") if line]
                length = re.search(r"content-length: *(\d+)", "\n".join(headers), re.I)
                body = stream.read(int(length[1])) if length else b""
                self.requests.append((number, first.decode().rstrip(), headers, body))
                status, text = self._reply(first.decode(), body)
                if status == 200 and first.startswith(b"GET"):
                    head, text = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)
                else:
                    head = f"Content-Length: {len(text)}"
                connection.sendall(f"HTTP/1.1 {status} Reason\r\n{head}\r\n\r\n".encode() + text)
                if status != 200 or first.startswith(b"GET"):
                    return

    def _reply(self, first, body):
        if first.startswith("GET "):
            status, text = self._pages.get(first.split()[1], (404, ""))
            return status, text.encode()
        method = xmlrpc.client.loads(body)[1].partition(".")[2]
        answer = self._answers.get(method, xmlrpc.client.Fault(1, "UNKNOWN_METHOD"))
        if isinstance(answer, tuple):  # one after the other
            self._answers[method] = answer[1:] if len(answer) > 2 else answer[1]
            answer = answer[0]
        if isinstance(answer, Status):
            return answer.code, b""
        if isinstance(answer, xmlrpc.client.Fault):
            return 200, xmlrpc.client.dumps(answer).encode()
        return 200, xmlrpc.client.dumps((answer,), methodresponse=True).encode()


class Status:
    """An answer that is only a status of HTTP."""

    def __init__(self, code):
        self.code = code
