"""An HTTP endpoint of a test's own, which the node calls: it keeps what came and answers by a function."""
import collections
import http.server
import threading

Request = collections.namedtuple("Request", "path headers body")


class Endpoint:
    """answer(Request) → (status, headers, body bytes)."""

    def __init__(self, answer, port=0):
        self.requests = []
        self.lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                request = Request(self.path, self.headers,
                                  self.rfile.read(int(self.headers["Content-Length"])))
                with owner.lock:
                    owner.requests.append(request)
                status, headers, body = owner.answer(request)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    pass  # The node did not wait any longer.

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self.answer = answer
        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.port}{path}"

    def taken(self):
        with self.lock:
            return list(self.requests)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
