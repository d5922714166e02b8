# web_editor.py
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reeve import ManagedService


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\n")


class WebEditor(ManagedService):
    def run(self):
        server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8081"))), Page)
        self.on_stop(server.shutdown)
        self.register({"port": server.server_port, "version": "1.2.0"})
        self.announce_process_management(processes=["streams"], cleanup=self.clean_up, cleanup_timeout=5)
        self.ready()
        server.serve_forever()

    def clean_up(self):
        """Whatever this service left lying about."""


if __name__ == "__main__":
    WebEditor.main("web-editor")
