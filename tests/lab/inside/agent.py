# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent in L1: runs the tests that the runner outside names, one after the other.

Each test runs as a unit of systemd, as root or in a login session of its user, and is ended with
all that it has left when it is done or late. What it prints goes outside line by line; so do the
logs of the guests it started. Tests reach the runner over a socket, one request a connection.
"""
import glob
import json
import os
import pwd
import shutil
import socketserver
import subprocess
import threading
import time

PORTS = "/dev/virtio-ports"
SOCKET = "/run/lab.sock"
LAB = "/usr/local/lib/lodge-lab"
# Where a test that runs as root finds its runtime folder, as logind makes one for a user.
ROOT_RUNTIME = "/run/lab-root"
TIDY_LIMIT_S = 60
# The runner outside knows from it that this computer as a whole goes on.
ALIVE_PAUSE_S = 10
# Settings that a test may change, as they are after the boot.
SETTINGS = ("user/max_user_namespaces", "kernel/unprivileged_userns_clone")


class Port:
    """One object a line, over a port that only one process can open."""

    def __init__(self, name):
        self.file = open(os.path.join(PORTS, name), "r+b", buffering=0)
        self.lock = threading.Lock()

    def send(self, message):
        data = json.dumps(message).encode() + b"\n"
        with self.lock:
            self._send(data)

    def _send(self, data):
        while data:
            data = data[self.file.write(data):]

    def ask(self, message):
        """Returns the answer's line as it came."""
        with self.lock:
            self._send(json.dumps(message).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                answer += self.file.read(4096)
        return answer


class Request(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(self.server.port.ask(json.loads(self.rfile.readline())))


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def run(*argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def kill_users():
    """Ends every process and session of the plain users; returns when logind has none of them."""
    for user in ("lab", "stranger"):
        run("loginctl", "disable-linger", user)
        # Guests first: at the end of a session Lodge would wait for them.
        run("pkill", "-KILL", "-u", user)
        run("loginctl", "terminate-user", user)
        uid = pwd.getpwnam(user).pw_uid
        # Both unmount and remove what they have made before they are stopped.
        run("systemctl", "stop", f"user@{uid}.service", f"user-runtime-dir@{uid}.service")


def tidy():
    """All as it was before the test."""
    kill_users()
    run("pkill", "-KILL", "-x", "lodge-engine")
    run("pkill", "-KILL", "-x", "qemu-system-x86")
    for home in ("/home/lab", "/home/stranger", "/root"):
        for name in (".local", ".cache", ".config", "work"):
            shutil.rmtree(os.path.join(home, name), ignore_errors=True)
    shutil.rmtree(ROOT_RUNTIME, ignore_errors=True)
    for name, value in settings.items():
        with open(os.path.join("/proc/sys", name), "w", encoding="ascii") as file:
            file.write(value)


def read_settings():
    found = {}
    for name in SETTINGS:
        try:
            with open(os.path.join("/proc/sys", name), encoding="ascii") as file:
                found[name] = file.read()
        except FileNotFoundError:
            pass
    return found


def save_logs(test):
    """What guests and engines wrote, before it is removed."""
    for home in ("/home/*", "/root"):
        for path in glob.glob(f"{home}/.local/share/lodge/machines/*/*.log"):
            with open(path, encoding="utf-8", errors="replace") as file:
                machine, name = path.split("/")[-2:]
                requests.ask({"save": {"name": f"{test}-{machine[:8]}-{name}", "text": file.read()}})


def command(test):
    unit = f"lab-test-{test['name']}"
    argv = ["systemd-run", "--quiet", "--collect", "--wait", "--pipe", f"--unit={unit}",
            "--property=TimeoutStopSec=5", f"--setenv=PYTHONPATH={LAB}/inside",
            "--setenv=PYTHONUNBUFFERED=1", "--setenv=LC_ALL=C.UTF-8",
            "--setenv=PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin"]
    if test["user"] == "root":
        argv += [f"--setenv=XDG_RUNTIME_DIR={ROOT_RUNTIME}", "--setenv=HOME=/root"]
    else:
        # A login, through PAM: logind makes the session, and the user's manager starts.
        argv += [f"--property=User={test['user']}", "--property=PAMName=login"]
    return unit, argv + ["/usr/bin/python3", f"{LAB}/tests/{test['name']}.py"]


def run_test(test):
    unit, argv = command(test)
    os.makedirs(ROOT_RUNTIME, mode=0o700, exist_ok=True)
    late = threading.Event()

    def end():
        late.set()
        run("systemctl", "kill", "--signal=KILL", unit)
        # A login takes its processes into a scope of its own.
        if test["user"] != "root":
            run("pkill", "-KILL", "-u", test["user"])

    results.send({"begin": test["name"]})
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        timer = threading.Timer(test["limit"], end)
        timer.start()
        for line in process.stdout:
            results.send({"line": line.rstrip("\n")})
        status = process.wait()
        timer.cancel()
    save_logs(test["name"])
    tidy()
    trouble = None
    if late.is_set():
        trouble = f"it took longer than {test['limit']} s"
    elif status != 0:
        trouble = f"exit status {status}"
    results.send({"end": trouble})


def tell_alive():
    while True:
        results.send({"alive": True})
        time.sleep(ALIVE_PAUSE_S)


def main():
    threading.Thread(target=tell_alive, daemon=True).start()
    os.makedirs("/etc/apparmor.d", exist_ok=True)
    # What a package would put there.
    run("ln", "-sf", "/usr/local/etc/apparmor.d/lodge", "/etc/apparmor.d/lodge")
    server = Server(SOCKET, Request)
    server.port = requests
    os.chmod(SOCKET, 0o666)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for test in json.loads(requests.ask({"tests": None}))["reply"]:
        run_test(test)
    results.send({"done": True})


requests, results = Port("lab.requests"), Port("lab.results")
settings = read_settings()
main()
