"""A tiny service for the supervisor's tests: /readyz and /metrics, and a diary of its life.

python stand_in.py NAME PORT DIARY [ready-after SECONDS] [ignore-term] [exit CODE]
"""

import http.server
import os
import signal
import sys
import threading
import time

NAME, PORT, DIARY = sys.argv[1], int(sys.argv[2]), sys.argv[3]
WORDS = sys.argv[4:]
READY_AT = time.monotonic() + (
    float(WORDS[WORDS.index("ready-after") + 1]) if "ready-after" in WORDS else 0
)


def note(what: str) -> None:
    with open(DIARY, "a") as diary:
        diary.write(f"{what} {NAME} {os.getpid()}\n")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = time.monotonic() >= READY_AT
        body = f"# TYPE made_total counter\nmade_total {os.getpid()}\n".encode()
        self.send_response(200 if ready or self.path == "/metrics" else 503)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def stop(*_: object) -> None:
    note("asked")
    if "ignore-term" not in WORDS:
        threading.Thread(target=server.shutdown).start()


note("start")
if "exit" in WORDS:
    print("it cannot work like this")
    sys.exit(int(WORDS[WORDS.index("exit") + 1]))
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
signal.signal(signal.SIGTERM, stop)
server.serve_forever(poll_interval=0.02)
server.server_close()
note("end")
