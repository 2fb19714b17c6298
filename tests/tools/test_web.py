"""``nvr web`` as a process: what it does before and after it is loaded."""

import subprocess
import sys
from pathlib import Path

from tests.ports import free_port
from tests.web.test_serve import configure

PROGRAM = """
import os, signal, socket, sys, threading
from importlib.abc import MetaPathFinder

class Early(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "web.app":
            link = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
            link.sendall(b"GET /api/site HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
            threading.Thread(target=answered, args=(link,)).start()

def answered(link):
    print(link.makefile().readline(), flush=True)
    link.close()
    os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Early())
from tools.main import main
main(["web", "--config", sys.argv[1]])
"""


def test_request_that_comes_before_the_server_is_loaded_is_answered(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", PROGRAM, str(configure(tmp_path, port)), str(port)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert "HTTP/1.1 200" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_address_that_is_taken_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    port = free_port()
    program = f"""
import socket, sys
taken = socket.create_server(("127.0.0.1", {port}))
from tools.main import main
try:
    main(["web", "--config", sys.argv[1]])
finally:
    print("web.app" in sys.modules)
"""
    command = [sys.executable, "-c", program, str(configure(tmp_path, port))]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "False\n")
    assert f"127.0.0.1:{port}: the address cannot be opened: Address already in use\n" in done.stderr
    assert "web.port" in done.stderr
