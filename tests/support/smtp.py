"""A mail server that takes everything and keeps it."""
import socketserver
import threading


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class _Session(socketserver.StreamRequestHandler):
    timeout = 30

    def handle(self):
        def say(text):
            self.wfile.write(text.encode() + b"\r\n")
        say("220 ready")
        while line := self.rfile.readline():
            word = line.strip().upper()
            if word == b"DATA":
                say("354 go on")
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                self.server.mails.append(b"".join(lines).decode().replace("\r\n", "\n"))
                say("250 taken")
            elif word == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")
