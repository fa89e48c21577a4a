#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py BUILD [--rounds N]
[start|list|window|console|answer|frames|snapshot|suspend|clone ...]: measures Lodge in ratios.

What is compared is measured in turn (A B A B ...) in one run, so that a computer that is busy is
busy for both. Each sample is taken by a small C program beside this file. Everything lives in a
folder of its own, with an engine, an X server and, where this script may start it, a libvirtd of
its own.
"""
import argparse
import contextlib
import glob
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

import answer
import snapshot

SETTLE_S = 0.15  # what a sample leaves behind (a QEMU that ends) must not meet the next one
WINDOW_SETTLE_MS = 1000  # a window has drawn itself and loaded what it loads late
MANY = 1000
PATIENCE_S = 30
LONG_S = 900  # what writes or reads gigabytes of memory
FRAMES_S = 2  # pictures are counted for so long


class Failed(Exception):
    pass


def run(*command, timeout=120, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command[:4])}: {done.stderr.strip()}")
    return done.stdout


def wait_until(what, condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what} did not come within {PATIENCE_S} s")
        time.sleep(0.02)


def find_program(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


# --- What is printed ---


def p95(samples):
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def title(text):
    print(f"\n{text}")
    print(f"  {'':46} {'median':>10} {'p95':>10}")


def show(label, samples, unit):
    print(f"  {label:46} {statistics.median(samples):7.1f} {unit:2} {p95(samples):7.1f} {unit:2}",
          flush=True)


def verdict(met):
    return "met" if met else "not met"


def show_ratio(label, above, below, aim=None, at_least=False, both=False):
    """ABOVE divided by BELOW; the aim is for the median, or for BOTH that and p95."""
    ratios = [statistics.median(above) / statistics.median(below), p95(above) / p95(below)]
    text = f"  {label:46} {ratios[0]:8.2f} x {ratios[1]:8.2f} x"
    if aim is not None:
        met = all(ratio >= aim if at_least else ratio <= aim
                  for ratio in (ratios if both else ratios[:1]))
        text += f"   aim: {'at least' if at_least else 'at most'} {aim:g}x: {verdict(met)}"
    print(text, flush=True)


def show_aim(label, value, unit, aim):
    print(f"  {label:46} {value:7.1f} {unit:2} {'':10}   aim: under {aim:g} {unit}: "
          f"{verdict(value < aim)}", flush=True)


def note(text):
    print(f"  ({text})", flush=True)


# --- The house that is measured ---


class Bench:
    def __init__(self, build, rounds, folder, stack):
        self.build = build
        self.rounds = rounds
        self.folder = folder
        self.stack = stack
        self.tools = os.path.join(build, "tests", "bench")
        self.app = os.path.join(build, "app")

    def tool(self, name, *arguments, env=None):
        """One sample: the numbers that a program of tests/bench prints."""
        words = run(os.path.join(self.tools, name), *arguments, env=env).split()
        return [int(word) for word in words]

    def environment(self, name):
        """A house of its own: where machines, sockets and caches of NAME lie."""
        top = os.path.join(self.folder, name)
        folders = {key: os.path.join(top, part) for key, part in
                   (("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache"),
                    ("XDG_CONFIG_HOME", "config"), ("XDG_RUNTIME_DIR", "run"))}
        for path in folders.values():
            os.makedirs(path, 0o700, exist_ok=True)
        env = dict(os.environ, **folders, LODGE_LIBEXECDIR=self.app, LC_ALL="C.UTF-8",
                   LODGE_RUNTIME_DIR=os.path.join(folders["XDG_RUNTIME_DIR"], "lodge"),
                   GSETTINGS_SCHEMA_DIR=os.path.join(self.build, "data"),
                   GSETTINGS_BACKEND="memory", PATH=self.app + ":" + os.environ["PATH"])
        for key in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS",
                    "LODGE_ENGINE_SOCKET"):
            env.pop(key, None)
        return env

    def background(self, *command, **options):
        """A process that ends with the bench."""
        process = subprocess.Popen(command, start_new_session=True, **options)

        def end():
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.stack.callback(end)
        return process

    def engine(self, env):
        log = open(os.path.join(self.folder, "engine.log"), "a", encoding="utf-8")
        self.stack.enter_context(log)
        process = self.background(os.path.join(self.app, "lodge-engine"), "--idle-exit", "0",
                                  env=env, stdout=log, stderr=log)
        socket = os.path.join(env["LODGE_RUNTIME_DIR"], "engine.sock")
        wait_until("the engine's socket", lambda: os.path.exists(socket))
        run("lodgectl", "host", env=env)  # measured once, and then known
        return process

    def make_guest(self):
        """A disk whose boot sector halts: "hlt; jmp" before it, and the BIOS' signature."""
        path = os.path.join(self.folder, "idle.img")
        sector = b"\xf4\xeb\xfd".ljust(510, b"\0") + b"\x55\xaa"
        with open(path, "wb") as file:
            file.write(sector.ljust(1024 * 1024, b"\0"))
        return path

    def create(self, env, name):
        run("lodgectl", "create", name, "--disk", self.make_guest(), "--memory", "128M",
            "--cpus", "1", env=env)
        self.stack.callback(subprocess.run, ["lodgectl", "kill", name], env=env, timeout=PATIENCE_S,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return glob.glob(os.path.join(env["XDG_DATA_HOME"], "lodge", "machines", "*-*"))[0]


def collect(rounds, *samplers):
    """Runs the samplers in turn; once more before, so that all caches are warm."""
    samples = [[] for _ in samplers]
    for i in range(rounds + 1):
        for sampler, kept in zip(samplers, samples):
            value = sampler()
            if i > 0:
                kept.append(value)
    return samples


# --- 1: from the click to a running guest ---


def find_qemu(runtime):
    """The arguments of the QEMU (not of the bubblewrap around it) whose sockets are in RUNTIME."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                arguments = file.read().decode(errors="surrogateescape").split("\0")[:-1]
        except OSError:
            continue
        if (arguments and "qemu-system" in os.path.basename(arguments[0]) and
                any(runtime in argument for argument in arguments)):
            return arguments
    raise Failed("the engine's QEMU was not found")


DOMAIN = """
<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>{memory_mib}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/><apic/></features>
  <cpu mode='maximum'/>
  <on_reboot>restart</on_reboot>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='{disk}'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='pty'/>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <graphics type='spice'><listen type='none'/></graphics>
    <video><model type='virtio'/></video>
    <sound model='ich9'/>
    <controller type='usb' model='qemu-xhci'/>
    <input type='tablet' bus='usb'/>
    <memballoon model='virtio'/>
    <rng model='virtio'><backend model='builtin'/></rng>
    <panic model='isa'/>
  </devices>
</domain>
"""


class Virsh:
    """A domain of libvirt with the same devices. Root has the system's libvirtd, which is started
    here where nothing else has done so; everybody else has one of their own."""

    def __init__(self, bench, guest=None, memory_mib=128):
        self.uri = "qemu:///system" if os.getuid() == 0 else "qemu:///session"
        self.name = f"lodge-bench-{os.getpid()}"
        if find_program("virsh") is None or find_program("libvirtd") is None:
            raise Failed("libvirt is not installed")
        if os.getuid() == 0:
            self.serve(bench)
        disk = os.path.join(bench.folder, "virsh.qcow2")
        run("qemu-img", "convert", "-O", "qcow2", guest or bench.make_guest(), disk)
        domain = os.path.join(bench.folder, "domain.xml")
        with open(domain, "w", encoding="utf-8") as file:
            file.write(DOMAIN.format(name=self.name, disk=disk, memory_mib=memory_mib))
        self.virsh("define", domain)
        bench.stack.callback(self.remove)

    def serve(self, bench):
        for program, socket in (("virtlogd", "/run/libvirt/virtlogd-sock"),
                                ("libvirtd", "/run/libvirt/libvirt-sock")):
            with contextlib.suppress(OSError):
                with open(f"/run/{program}.pid", encoding="utf-8") as file:
                    os.kill(int(file.read()), 0)
                continue
            log = bench.stack.enter_context(
                open(os.path.join(bench.folder, program + ".log"), "w", encoding="utf-8"))
            bench.background(sys.executable, os.path.join(os.path.dirname(__file__), "reaper.py"),
                             find_program(program), stdout=log, stderr=log)
            wait_until(program, lambda path=socket: os.path.exists(path))
        wait_until("an answer of libvirtd", self.answers)

    def answers(self):
        try:
            self.virsh("version")
        except Failed:
            return False
        return True

    def virsh(self, *arguments):
        return run("virsh", "-q", "-c", self.uri, *arguments, timeout=LONG_S)

    def remove(self):
        for verb in (("destroy",), ("undefine", "--managed-save")):
            with contextlib.suppress(Failed, subprocess.TimeoutExpired):
                self.virsh(verb[0], self.name, *verb[1:])


def bench_start(bench):
    env = bench.environment("house")
    bench.engine(env)
    machine = bench.create(env, "idle")
    identity = os.path.basename(machine)
    runtime = os.path.join(env["LODGE_RUNTIME_DIR"], "m", identity)
    bare_folder = os.path.join(bench.folder, "bare")
    os.makedirs(bare_folder, 0o700)

    run("lodgectl", "start", "idle", env=env)
    arguments = [argument.replace(runtime, bare_folder) for argument in find_qemu(runtime)]
    run("lodgectl", "kill", "idle", env=env)

    def lodge():
        value, = bench.tool("bench-start", "idle", env=env)
        run("lodgectl", "kill", "idle", env=env)
        time.sleep(SETTLE_S)
        return value / 1000

    def bare():
        value, = bench.tool("bench-bare", os.path.join(bare_folder, "qmp.sock"),
                            os.path.join(bare_folder, "qemu.log"), *arguments)
        for path in os.listdir(bare_folder):
            if path.endswith(".sock"):
                os.unlink(os.path.join(bare_folder, path))
        time.sleep(SETTLE_S)
        return value / 1000

    title("From the call to a guest that runs")
    ours, alone = collect(bench.rounds, lodge, bare)
    show("Machine1.Start", ours, "ms")
    show("QEMU alone, same arguments", alone, "ms")
    show_ratio("Machine1.Start to QEMU alone", ours, alone, 1.15)

    try:
        virsh = Virsh(bench)
    except Failed as error:
        note(f"not against virsh: {error}")
        return

    def lodgectl():
        value, _ = bench.tool("bench-command", "lodgectl", "start", "idle", env=env)
        run("lodgectl", "kill", "idle", env=env)
        time.sleep(SETTLE_S)
        return value / 1000

    def virsh_start():
        value, _ = bench.tool("bench-command", "virsh", "-q", "-c", virsh.uri, "start", virsh.name)
        virsh.virsh("destroy", virsh.name)
        time.sleep(SETTLE_S)
        return value / 1000

    command, theirs, ours = collect(bench.rounds, lodgectl, virsh_start, lodge)
    title("From the command to a guest that runs, same devices")
    show("Machine1.Start", ours, "ms")
    show("lodgectl start", command, "ms")
    show("virsh start", theirs, "ms")
    show_ratio("virsh start to lodgectl start", theirs, command, 5, at_least=True)
    show_ratio("virsh start to Machine1.Start", theirs, ours)


# --- 2: many machines ---


def make_many(env, template):
    with open(os.path.join(template, "machine.ini"), encoding="utf-8") as file:
        text = file.read()
    for i in range(1, MANY):
        identity = str(uuid.uuid4())
        folder = os.path.join(os.path.dirname(template), identity)
        os.makedirs(os.path.join(folder, "layers"), 0o700)
        own = text.replace(os.path.basename(template), identity)
        own = own.replace("many-0000", f"many-{i:04}")
        with open(os.path.join(folder, "machine.ini"), "w", encoding="utf-8") as file:
            file.write(own)


def bench_list(bench):
    env = bench.environment("many")
    engine = bench.engine(env)
    template = bench.create(env, "many-0000")
    engine.terminate()
    engine.wait(PATIENCE_S)
    make_many(env, template)
    began = time.monotonic()
    engine = bench.engine(env)
    up = time.monotonic() - began
    names = run("lodgectl", "list", env=env).splitlines()
    listed = sum("many-" in line for line in names)
    if listed != MANY:
        raise Failed(f"lodgectl list shows {listed} of {MANY} machines")

    def one():
        return bench.tool("bench-command", "lodgectl", "list", env=env)

    def true():
        return bench.tool("bench-command", "true")

    title(f"lodgectl list with {MANY} machines")
    lists, trues = collect(bench.rounds, one, true)
    times = [value / 1000 for value, _ in lists]
    show("lodgectl list", times, "ms")
    show("an empty program (true)", [value / 1000 for value, _ in trues], "ms")
    show_aim("lodgectl list", statistics.median(times), "ms", 50)
    # Others on this computer begin processes too, so the quietest round is the truest.
    forks = min(forks for _, forks in lists)
    print(f"  processes and threads begun by the computer meanwhile: {forks} at the least"
          f"   aim: none per machine: {verdict(forks < MANY / 10)}")
    note(f"the engine with {MANY} machines was up, and had looked at the host, after {up:.1f} s")


# --- 3: the app ---


def start_display(bench, env, size="1440x960"):
    read, write = os.pipe()
    log = bench.stack.enter_context(
        open(os.path.join(bench.folder, "display.log"), "w", encoding="utf-8"))
    bench.background("Xvfb", "-displayfd", str(write), "-screen", "0", size + "x24",
                     "-nolisten", "tcp", pass_fds=[write], stdout=log, stderr=log)
    os.close(write)
    with os.fdopen(read) as file:
        env["DISPLAY"] = ":" + file.readline().strip()
    env["GDK_BACKEND"] = "x11"
    # What Lodge chooses where no card draws, for both: otherwise renderers would be compared.
    env["GSK_RENDERER"] = "cairo"
    # GTK looks for a session bus; without one each program would try to start its own.
    read, write = os.pipe()
    bench.background("dbus-daemon", "--session", "--nofork", f"--print-address={write}",
                     pass_fds=[write], stdout=log, stderr=log, env=env)
    os.close(write)
    with os.fdopen(read) as file:
        env["DBUS_SESSION_BUS_ADDRESS"] = file.readline().strip()
    bench.background("metacity", "--no-composite", env=env, stdout=log, stderr=log)
    time.sleep(1)


def bench_window(bench):
    env = bench.environment("app")
    bench.engine(env)
    bench.create(env, "idle")
    start_display(bench, env)

    programs = [("lodge", ["lodge"]),
                ("an empty GTK 4 window", [os.path.join(bench.tools, "bench-empty")])]
    missing = []
    for name, command in (("gnome-boxes", ["gnome-boxes"]),
                          ("virt-manager", ["virt-manager", "--no-fork"])):
        if find_program(name):
            programs.append((name, command))
        else:
            missing.append(name)

    def sampler(command):
        return lambda: bench.tool("bench-window", str(WINDOW_SETTLE_MS), *command, env=env)

    samples = collect(bench.rounds, *(sampler(command) for _, command in programs))
    times = [[value / 1000 for value, _ in kept] for kept in samples]
    sizes = [[kib / 1024 for _, kib in kept] for kept in samples]
    title("From exec to the first window")
    for (name, _), kept in zip(programs, times):
        show(name, kept, "ms")
    show_ratio("lodge to an empty window", times[0], times[1], 1.5)
    title("Memory of the app (PSS)")
    for (name, _), kept in zip(programs, sizes):
        show(name, kept, "MB")
    show_ratio("lodge to an empty window", sizes[0], sizes[1], 1.5)
    for (name, _), time_of, size_of in list(zip(programs, times, sizes))[2:]:
        show_ratio(f"time of {name} to lodge", time_of, times[0])
        show_ratio(f"memory of {name} to lodge", size_of, sizes[0])
    for name in missing:
        note(f"{name} is not installed")


# --- 4: a guest's screen ---

GUEST = (1920, 1080)
LOOKS = 3  # of each kind in one round
FRAMES = {"small": (40, 20), "full": (20, 40)}  # in one round, and milliseconds between them


def descendants(pid):
    """The process and all below it."""
    found = [pid]
    for process in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/children", encoding="ascii") as file:
                    found += [int(child) for child in file.read().split()]
    return found


def busy_ms(pid):
    """How long a processor has worked for it and all below it."""
    total = 0
    for process in descendants(pid):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
    return total / 1e6


class Viewer:
    """A display with a server's screen on it, shown by one program in the guest's own size."""

    def __init__(self, bench, name, make_command):
        self.bench = bench
        self.env = bench.environment(name)
        start_display(bench, self.env, "2200x1300")
        socket = os.path.join(bench.folder, name, "screen.sock")
        self.log = bench.stack.enter_context(
            open(os.path.join(bench.folder, f"{name}.log"), "w", encoding="utf-8"))
        self.screen = bench.background(os.path.join(bench.tools, "bench-screen"), socket,
                                       env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=self.log, text=True)
        self.answer()
        self.command = make_command(bench, self.env, socket, self.log)
        self.client = None

    def answer(self):
        line = self.screen.stdout.readline().strip()
        if not line or "none" in line or "what?" in line:
            raise Failed(f"the screen's answer was {line!r}")
        return [float(word) for word in line.split() if word.isdigit()]

    def say(self, command):
        self.screen.stdin.write(command + "\n")
        self.screen.stdin.flush()

    def ask(self, command):
        self.say(command)
        return self.answer()

    def find(self):
        with contextlib.suppress(Failed):
            return self.ask("find")
        return None

    def run_client(self, stdout):
        self.client = self.bench.background(*self.command, env=self.env, stdin=subprocess.DEVNULL,
                                            stdout=stdout, stderr=self.log, text=True)

    def open(self):
        """Milliseconds until it shows the guest's screen."""
        self.say("seen")
        began = time.monotonic()
        self.run_client(self.log)
        self.answer()
        return (time.monotonic() - began) * 1000

    def reconnect(self):
        """Milliseconds until it shows the screen of a server that has let go of it."""
        value, = self.ask("again")
        return value / 1000

    def reopen(self):
        """The same for one that only says so then: its user opens it again."""
        began = time.monotonic()
        self.say("again")
        self.client.terminate()
        self.client.wait(PATIENCE_S)
        self.run_client(self.log)
        self.answer()
        return (time.monotonic() - began) * 1000

    def close(self):
        self.client.terminate()
        self.client.wait(PATIENCE_S)
        time.sleep(SETTLE_S)

    def fit(self):
        """Gives its window the size in which a guest's pixel is one of the display's."""
        for _ in range(8):
            found = self.find()
            if found is not None and tuple(map(int, found[2:])) == GUEST:
                self.focus(found)
                return
            window = run("xdotool", "getactivewindow", env=self.env).strip()
            lines = run("xdotool", "getwindowgeometry", "--shell", window, env=self.env).split()
            place = dict(line.split("=", 1) for line in lines)
            width, height = (int(place[side]) + wanted - int(has) for side, wanted, has in
                             zip(("WIDTH", "HEIGHT"), GUEST, found[2:] if found else GUEST))
            run("xdotool", "windowmove", window, "20", "20", "windowsize", window, str(width),
                str(height), env=self.env)
            time.sleep(1)
        raise Failed("its window cannot be given the guest's size")

    def focus(self, found):
        x, y = int(found[0]) + GUEST[0] // 4, int(found[1]) + GUEST[1] // 4
        run("xdotool", "mousemove", str(x), str(y), "click", "1", env=self.env)
        time.sleep(1)
        run("xdotool", "mousemove", str(x + 40), str(y + 40), env=self.env)
        time.sleep(1)

    def listen(self):
        """For one that shows nothing."""
        self.run_client(subprocess.PIPE)
        if self.client.stdout.readline().strip() != "ready":
            raise Failed("the client that shows nothing has no screen")
        time.sleep(SETTLE_S)

    def busy(self, kind, command="draw"):
        frames, pause = FRAMES[kind]
        before = busy_ms(self.client.pid)
        self.ask(f"{command} {kind} {frames} {pause}")
        time.sleep(SETTLE_S)
        if self.client.poll() is not None:
            raise Failed("a client has ended")
        return (busy_ms(self.client.pid) - before) / frames


def lodge_console(bench, env, socket, log):
    """Its own window, with an engine that is played, whose first machine has that screen."""
    engine = dict(env, LODGE_DEMO_SPICE=socket)
    os.makedirs(env["LODGE_RUNTIME_DIR"], 0o700, exist_ok=True)
    bench.background(os.path.join(bench.build, "tests", "app", "demo-engine"), "1", env=engine,
                     stdout=log, stderr=log)
    wait_until("the played engine", lambda: os.path.exists(
        os.path.join(env["LODGE_RUNTIME_DIR"], "engine.sock")))
    return [os.path.join(bench.app, "lodge"), "--console", "Debian 12"]


def remote_viewer(bench, env, socket, log):
    return ["remote-viewer", "--auto-resize=never", f"spice+unix://{socket}"]


def listener(bench, env, socket, log):
    """The SPICE library at work, and nothing else: for small frames no viewer that uses it has less
    to do. Of full ones the server leaves out what a client has no time for."""
    return [os.path.join(bench.tools, "bench-listen"), socket]


def bench_console(bench):
    if find_program("remote-viewer") is None:
        raise Failed("remote-viewer is not installed")
    ours = Viewer(bench, "lodge", lodge_console)
    theirs = Viewer(bench, "remote-viewer", remote_viewer)
    both = (ours, theirs)

    def opener(viewer):
        def sample():
            taken = viewer.open()
            viewer.close()
            return taken
        return sample

    title("From exec to the guest's screen")
    samples = collect(max(1, bench.rounds // 3), *map(opener, both))
    show("lodge --console", samples[0], "ms")
    show("remote-viewer", samples[1], "ms")
    show_ratio("lodge to remote-viewer", *samples)

    for viewer in both:
        viewer.open()
    title("From a connection that is cut to the guest's screen")
    samples = collect(max(1, bench.rounds // 3), ours.reconnect, theirs.reopen)
    show("lodge --console, by itself", samples[0], "ms")
    show("remote-viewer, opened again at once", samples[1], "ms")
    show_ratio("lodge to remote-viewer", *samples)

    floor = Viewer(bench, "listener", listener)
    floor.listen()
    for viewer in both:
        viewer.fit()
    for kind, text in (("small", "200x100 pixels"), ("full", "all of 1920x1080")):
        title(f"Processor per frame, {text}")
        samples = collect(bench.rounds, *(lambda viewer=viewer: viewer.busy(kind)
                                          for viewer in both), lambda: floor.busy(kind, "send"))
        show("lodge --console", samples[0], "ms")
        show("remote-viewer", samples[1], "ms")
        show("the SPICE library, and nothing shown", samples[2], "ms")
        show_ratio("lodge to remote-viewer", *samples[:2], 0.5)
        show_ratio("the SPICE library to remote-viewer", samples[2], samples[1])
    for command, text in (("look", "From the guest's drawing to the display"),
                          ("type", "From a key press to the guest")):
        title(text)
        samples = collect(bench.rounds, *(lambda viewer=viewer: viewer.ask(f"{command} {LOOKS}")
                                          for viewer in both))
        samples = [[value / 1000 for kept in rows for value in kept] for rows in samples]
        show("lodge --console", samples[0], "ms")
        show("remote-viewer", samples[1], "ms")
        show_ratio("lodge to remote-viewer", *samples, 1, both=True)


# --- 5: a guest that answers ---

ANSWERS = 3  # in one round


class Answering:
    """A display with a real guest on it, which answers each key."""

    def __init__(self, bench, env, command):
        self.bench = bench
        self.env = env
        log = bench.stack.enter_context(
            open(os.path.join(bench.folder, "answers.log"), "a", encoding="utf-8"))
        bench.background(*command, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("the viewer's window", self.find)
        x, y = self.find()
        run("xdotool", "mousemove", str(x), str(y), "click", "1", env=env)
        self.middle = str(x), str(y)
        wait_until("the guest's answer", self.answers)

    def find(self):
        """The middle of its window, which the guest's picture is on, or None."""
        with contextlib.suppress(Failed):
            window = run("xdotool", "getactivewindow", env=self.env).strip()
            lines = run("xdotool", "getwindowgeometry", "--shell", window, env=self.env).split()
            place = {key: int(value) for key, value in (line.split("=", 1) for line in lines)}
            return place["X"] + place["WIDTH"] // 2, place["Y"] + place["HEIGHT"] // 2
        return None

    def answers(self):
        with contextlib.suppress(Failed):
            return bool(self.ask(1))
        return False

    def ask(self, n=ANSWERS):
        return self.bench.tool("bench-answer", *self.middle, str(n), env=self.env)


def bench_answer(bench):
    if find_program("remote-viewer") is None:
        raise Failed("remote-viewer is not installed")
    guest = os.path.join(bench.folder, "answers.img")
    answer.write_guest(guest)
    env = bench.environment("house")
    start_display(bench, env, "1400x1000")
    bench.engine(env)
    run("lodgectl", "create", "answers", "--disk", guest, "--memory", "64M", "--cpus", "1", env=env)
    bench.stack.callback(subprocess.run, ["lodgectl", "kill", "answers"], env=env,
                         timeout=PATIENCE_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("lodgectl", "set", "answers", "display.model=virtio", env=env)
    run("lodgectl", "start", "answers", env=env)
    arguments = find_qemu(os.path.join(env["LODGE_RUNTIME_DIR"], "m"))
    accel = arguments[arguments.index("-accel") + 1]

    bare = bench.environment("bare")
    start_display(bench, bare, "1400x1000")
    socket = os.path.join(bench.folder, "bare", "spice.sock")
    bench.background("qemu-system-x86_64", "-accel", accel, "-m", "64M", "-nodefaults", "-display",
                     "none", "-device", "virtio-vga", "-drive",
                     f"file={guest},format=raw,snapshot=on,if=virtio", "-spice",
                     f"unix=on,addr={socket},disable-ticketing=on,image-compression=off,"
                     "playback-compression=off", env=bare)
    wait_until("QEMU's socket", lambda: os.path.exists(socket))

    ours = Answering(bench, env, ["lodge", "--console", "answers"])
    theirs = Answering(bench, bare, remote_viewer(bench, bare, socket, None))
    title("From a key press to a QEMU's guest's answer on the display")
    samples = collect(bench.rounds, ours.ask, theirs.ask)
    samples = [[value / 1000 for kept in rows for value in kept] for rows in samples]
    show("lodge --console, its own QEMU", samples[0], "ms")
    show("remote-viewer, a bare QEMU", samples[1], "ms")
    show_ratio("lodge to remote-viewer", *samples, 1, both=True)


# --- 6: how many pictures a second ---


def find_kernel():
    """Of the built-in installer: it comes with a driver for the virtio card."""
    images = glob.glob("/usr/lib/debian-installer/images/*/amd64/gtk/debian-installer/amd64")
    for folder in sorted(images, reverse=True):
        if os.path.exists(os.path.join(folder, "linux")):
            return folder
    raise Failed("there is no installer to take a kernel from")


def pack(name, content, mode):
    """A file in an initial RAM disk (Linux, Documentation/driver-api/early-userspace)."""
    def padded(data):
        return data + b"\0" * (-len(data) % 4)
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % number for number in numbers)
    return padded(head + name.encode() + b"\0") + padded(content)


def make_drawing_guest(bench):
    """The installer's initial RAM disk, and over it one that draws instead of installing."""
    init = (b"#!/bin/sh\n"
            b"mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys\n"
            b"modprobe virtio_pci; modprobe virtio-gpu\n"
            b"exec /bench-guest </dev/null >/dev/ttyS0 2>&1\n")
    with open(os.path.join(bench.tools, "bench-guest"), "rb") as file:
        program = file.read()
    kernel = find_kernel()
    with open(os.path.join(kernel, "initrd.gz"), "rb") as file:
        image = file.read()
    image += b"\0" * (-len(image) % 4)
    for name, content, mode in (("init", init, 0o100755), ("bench-guest", program, 0o100755),
                                ("TRAILER!!!", b"", 0)):
        image += pack(name, content, mode)
    initrd = os.path.join(bench.folder, "initrd.img")
    with open(initrd, "wb") as file:
        file.write(image)
    return os.path.join(kernel, "linux"), initrd


def bench_frames(bench):
    env = bench.environment("house")
    bench.engine(env)
    kernel, initrd = make_drawing_guest(bench)
    machine = bench.create(env, "draws")
    run("lodgectl", "set", "draws", "display.model=virtio", "machine.memory=512M",
        f"boot.kernel={kernel}", f"boot.initrd={initrd}", "boot.append=quiet console=ttyS0",
        env=env)
    run("lodgectl", "start", "draws", env=env)
    identity = os.path.basename(machine)
    spice = os.path.join(env["LODGE_RUNTIME_DIR"], "m", identity, "spice.sock")
    frames = os.path.join(env["LODGE_RUNTIME_DIR"], "t", identity, "frames.sock")

    def sampler(socket):
        return lambda: bench.tool("bench-frames", spice, socket, str(FRAMES_S), env=env)

    title("Pictures a second that reach the console, from a guest that draws all the time")
    end = time.monotonic() + 5 * PATIENCE_S
    while True:
        try:
            sampler("")()
            break
        except Failed:
            if time.monotonic() > end:
                raise
    try:
        sampler(frames)()
    except Failed:
        note("this QEMU's memory cannot be had: SPICE alone")
        spiced, = collect(bench.rounds, sampler(""))
        show("SPICE", [n / FRAMES_S for n, _, _ in spiced], "/s")
        return
    spiced, mapped = collect(bench.rounds, sampler(""), sampler(frames))
    rates = [[n / FRAMES_S for n, _, _ in samples] for samples in (spiced, mapped)]
    for label, samples, rate in (("SPICE", spiced, rates[0]), ("QEMU's memory", mapped, rates[1])):
        show(f"the guest, with {label}", [drawn / FRAMES_S for _, drawn, _ in samples], "/s")
        show(label, rate, "/s")
    show_ratio("QEMU's memory to SPICE", rates[1], rates[0])
    title("Processor in the console for each of them, without drawing it")
    for label, samples in (("SPICE", spiced), ("QEMU's memory, and SPICE beside it", mapped)):
        show(label, [busy / 1000 / max(n, 1) for n, _, busy in samples], "ms")


# --- 7: a running guest's snapshot ---

# Of filled memory; 100 MB/s of it is changed all the time.
MEMORY_MIB = [int(size) for size in
              os.environ.get("LODGE_BENCH_SNAPSHOT_MIB", "512 4096").split()]
STANDSTILL_AIM_MS = 500
MUCH_LONGER_MS = 500  # than was said: somebody who was told would notice


def rounds_for(bench, memory_mib):
    """A round with gigabytes takes minutes on a slow disk."""
    return bench.rounds if memory_mib <= 1024 else max(1, bench.rounds // 5)


def print_load():
    note(f"load of this computer: {', '.join(f'{load:.1f}' for load in os.getloadavg())}, "
         f"{os.cpu_count()} processors")


def find_qemu_pid(runtime):
    """The same for its process, as /proc has it."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            with open(path, "rb") as file:
                arguments = file.read().decode(errors="surrogateescape").split("\0")
            if ("qemu-system" in os.path.basename(arguments[0]) and
                    any(runtime in argument for argument in arguments)):
                yield path.split("/")[2]


def start_dirty(bench, env, name, memory_mib):
    """A guest of Lodge's that changes its memory; its memory's file, and what QEMU was given."""
    guest = os.path.join(bench.folder, "dirties.img")
    snapshot.write_guest(guest, memory_mib)
    run("lodgectl", "create", name, "--disk", guest, "--memory", f"{memory_mib}M", "--cpus", "1",
        env=env)
    bench.stack.callback(subprocess.run, ["lodgectl", "kill", name], env=env, timeout=PATIENCE_S,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("lodgectl", "start", name, env=env)
    runtime = os.path.join(env["LODGE_RUNTIME_DIR"], "m")
    arguments = find_qemu(runtime)
    return guest, arguments[arguments.index("-accel") + 1].split(",")[0]


def find_memory(env, memory_mib):
    """Of Lodge's QEMU, which is another one after each revert."""
    runtime = os.path.join(env["LODGE_RUNTIME_DIR"], "m")
    found = [snapshot.find_memory(pid, memory_mib) for pid in find_qemu_pid(runtime)]
    memory = next((path for path in found if path is not None), None)
    if memory is None:
        raise Failed("the memory of the engine's QEMU was not found")
    return memory


def wait_filled(path):
    end = time.monotonic() + 20 * PATIENCE_S
    while not snapshot.is_filled(path):
        if time.monotonic() > end:
            raise Failed("the guest has not filled its memory")
        time.sleep(0.1)


def ask_standstill(env):
    """For how many milliseconds the engine says that the guest will stand still."""
    checked = json.loads(run("lodgectl", "snapshot", "check", "dirties", "--json", env=env))
    expected = checked["facts"].get("expected_standstill")
    if expected is None:
        raise Failed(f"the engine does not say how long the guest will stand still: {checked}")
    return expected


def show_expectation(still, said):
    """How far what was said was from what came."""
    apart = [measured - expected for measured, expected in zip(still, said)]
    show("it was said to, by lodgectl snapshot check", said, "ms")
    show("measured minus said", apart, "ms")
    longer = sum(more > MUCH_LONGER_MS for more in apart)
    print(f"  {'longer than said by more than ' + str(MUCH_LONGER_MS) + ' ms':46} "
          f"{longer:7} of {len(apart)}", flush=True)


def bench_snapshot_of(bench, memory_mib):
    env = bench.environment("house")
    bench.engine(env)
    guest, accelerator = start_dirty(bench, env, "dirties", memory_mib)
    memory = find_memory(env, memory_mib)
    bare = snapshot.Qemu(bench, guest, memory_mib, accelerator)
    bare_memory = snapshot.find_memory(bare.process.pid, memory_mib)
    for path in (memory, bare_memory):
        wait_filled(path)
    tool = os.path.join(bench.tools, "bench-standstill")

    # While one of them is measured the other one stands still: both at once share a processor.
    def ours():
        bare.command("stop")
        said = ask_standstill(env)
        watch = snapshot.Watch(tool, memory)
        run("lodgectl", "snapshot", "create", "dirties", "one", env=env, timeout=LONG_S)
        still, whole = watch.end()
        run("lodgectl", "snapshot", "delete", "dirties", "one", env=env, timeout=LONG_S)
        return still, whole, said

    def quiet():
        watch = snapshot.Watch(tool, memory)
        time.sleep(1)
        return watch.end()[0]

    def theirs():
        run("lodgectl", "pause", "dirties", env=env)
        bare.command("cont")
        watch = snapshot.Watch(tool, bare_memory)
        bare.save()
        taken = watch.end()
        bare.delete()
        bare.command("stop")
        run("lodgectl", "resume", "dirties", env=env)
        return taken

    rounds = rounds_for(bench, memory_mib)
    title(f"A running guest's snapshot, {memory_mib} MiB of filled memory, "
          f"100 MB/s of it changed, {accelerator}, {rounds} rounds")
    mine, alone, nothing = collect(rounds, ours, theirs, quiet)
    still, bare_still = ([taken[0] for taken in kept] for kept in (mine, alone))
    show("the guest stands still, Lodge", still, "ms")
    show("the guest stands still, snapshot-save", bare_still, "ms")
    show("a guest that nobody stops, in one second", nothing, "ms")
    show_expectation(still, [taken[2] for taken in mine])
    show_ratio("standstill, Lodge to snapshot-save", still, bare_still)
    show_aim("standstill at p95", p95(still), "ms", STANDSTILL_AIM_MS)
    whole, bare_whole = ([taken[1] for taken in kept] for kept in (mine, alone))
    show("the whole of it, lodgectl snapshot create", whole, "ms")
    show("the whole of it, snapshot-save", bare_whole, "ms")
    show_ratio("whole time, Lodge to snapshot-save", whole, bare_whole)
    print_load()

    run("lodgectl", "snapshot", "create", "dirties", "one", env=env, timeout=LONG_S)
    bare.command("cont")
    bare.save()
    bare.command("stop")

    def revert():
        run("lodgectl", "kill", "dirties", env=env)
        began = time.monotonic()
        run("lodgectl", "snapshot", "revert", "dirties", "one", "--discard", env=env,
            timeout=LONG_S)
        taken = (time.monotonic() - began) * 1000
        time.sleep(SETTLE_S)
        return taken

    def load():
        run("lodgectl", "pause", "dirties", env=env)
        began = time.monotonic()
        bare.load()
        taken = (time.monotonic() - began) * 1000
        bare.command("stop")
        run("lodgectl", "resume", "dirties", env=env)
        return taken

    title(f"Going back to it, {memory_mib} MiB, {rounds} rounds")
    mine, alone = collect(rounds, revert, load)
    show("lodgectl snapshot revert", mine, "ms")
    show("snapshot-load, in the QEMU that is there", alone, "ms")
    show_ratio("Lodge to snapshot-load", mine, alone)
    print_load()


def bench_snapshot(bench):
    for_sizes(bench, bench_snapshot_of)


def bench_suspend_of(bench, memory_mib):
    env = bench.environment("house")
    bench.engine(env)
    guest, accelerator = start_dirty(bench, env, "dirties", memory_mib)
    virsh = Virsh(bench, guest, memory_mib)

    def timed(call, *arguments, **options):
        began = time.monotonic()
        call(*arguments, **options)
        return (time.monotonic() - began) * 1000

    def ours():
        # What runs before it is measured has filled its memory.
        wait_filled(find_memory(env, memory_mib))
        saved = timed(run, "lodgectl", "suspend", "dirties", env=env, timeout=LONG_S)
        time.sleep(SETTLE_S)
        loaded = timed(run, "lodgectl", "start", "dirties", env=env, timeout=LONG_S)
        run("lodgectl", "pause", "dirties", env=env)
        return saved, loaded

    def theirs():
        virsh.virsh("resume", virsh.name)
        saved = timed(virsh.virsh, "managedsave", virsh.name)
        time.sleep(SETTLE_S)
        loaded = timed(virsh.virsh, "start", virsh.name)
        virsh.virsh("suspend", virsh.name)
        run("lodgectl", "resume", "dirties", env=env)
        return saved, loaded

    wait_filled(find_memory(env, memory_mib))
    run("lodgectl", "pause", "dirties", env=env)
    virsh.virsh("start", virsh.name)
    time.sleep(1 + memory_mib / 512)  # another user's memory cannot be looked at
    virsh.virsh("suspend", virsh.name)
    run("lodgectl", "resume", "dirties", env=env)
    rounds = rounds_for(bench, memory_mib)
    title(f"Suspending to disk, {memory_mib} MiB of filled memory, 100 MB/s of it changed, "
          f"{accelerator}, {rounds} rounds")
    mine, alone = collect(rounds, ours, theirs)
    for index, ours_name, theirs_name in ((0, "lodgectl suspend", "virsh managedsave"),
                                          (1, "lodgectl start", "virsh start")):
        kept, bare = ([taken[index] for taken in samples] for samples in (mine, alone))
        show(ours_name, kept, "ms")
        show(theirs_name, bare, "ms")
        show_ratio(f"{ours_name} to {theirs_name}", kept, bare)
    print_load()


def bench_suspend(bench):
    for_sizes(bench, bench_suspend_of)


def for_sizes(bench, part):
    """Each in a house of its own, which is gone before the next one."""
    for memory_mib in MEMORY_MIB:
        folder = os.path.join(bench.folder, str(memory_mib))
        os.makedirs(folder, 0o755)
        with contextlib.ExitStack() as stack:
            part(Bench(bench.build, bench.rounds, folder, stack), memory_mib)


# --- 8: a linked clone ---


def wait_for_jobs(env):
    """What begins by itself after a deletion: layers that nobody shares any more are merged."""
    wait_until("the end of all work",
               lambda: '"running"' not in run("lodgectl", "jobs", "--json", env=env))


def bench_clone(bench):
    env = bench.environment("house")
    bench.engine(env)
    run("lodgectl", "create", "web", "--disk-size", "20G", env=env)
    machine = glob.glob(os.path.join(env["XDG_DATA_HOME"], "lodge", "machines", "*-*"))[0]
    layers = os.path.join(machine, "layers")
    base = os.path.join(layers, "disk0-l0.qcow2")
    run("qemu-io", "-f", "qcow2", "-c", "write -P 7 0 1G", base)

    def touch():
        """The present's layer; a clone of what was written to since the last one is the long way."""
        top = max(glob.glob(os.path.join(layers, "*")), key=lambda path: os.stat(path).st_mode)
        run("qemu-io", "-f", "qcow2", "-c", "write -P 8 0 64k", top)

    def clone():
        value, = bench.tool("bench-clone", "web", "new", env=env)
        run("lodgectl", "delete", "new", env=env)
        wait_for_jobs(env)
        return value / 1000

    def first():
        touch()
        return clone()

    def create():
        """What somebody does by hand who wants to have it after a power cut, too."""
        folder = os.path.join(bench.folder, "bare")
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "top.qcow2")
        value, _ = bench.tool("bench-command", "qemu-img", "create", "-q", "-f", "qcow2", "-b",
                              base, "-F", "qcow2", path)
        began = time.monotonic()
        for name, flags in ((path, os.O_RDWR), (folder, os.O_RDONLY | os.O_DIRECTORY)):
            descriptor = os.open(name, flags)
            os.fsync(descriptor)
            os.close(descriptor)
        value = value / 1000 + (time.monotonic() - began) * 1000
        os.unlink(path)
        return value

    title("A linked clone of a disk of 20 GB that holds 1 GB")
    # One that stays, so that each round's clone finds what the last one stood on.
    ours, theirs = collect(bench.rounds, first, create)
    run("lodgectl", "clone", "web", "stays", "--linked", env=env)
    again, bare = collect(bench.rounds, clone, create)
    show("Machine1.Clone, the source was written to", ours, "ms")
    show("Machine1.Clone, once more of the same", again, "ms")
    show("qemu-img create -b, and fsync", theirs, "ms")
    show_ratio("Machine1.Clone to qemu-img create -b", ours, theirs, 1.5)
    show_ratio("Machine1.Clone once more to qemu-img create -b", again, bare, 1.5)


PARTS = {"start": bench_start, "list": bench_list, "window": bench_window,
         "console": bench_console, "answer": bench_answer, "frames": bench_frames,
         "snapshot": bench_snapshot, "suspend": bench_suspend, "clone": bench_clone}


def main():
    parser = argparse.ArgumentParser(prog="dev bench", description=__doc__)
    parser.add_argument("build", help="a build folder, best of type release")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("LODGE_BENCH_ROUNDS", 30)),
                        help="samples of each kind (30; $LODGE_BENCH_ROUNDS)")
    parser.add_argument("parts", nargs="*", metavar="part", help=" ".join(PARTS))
    options = parser.parse_intermixed_args()
    wanted = options.parts or list(PARTS)
    unknown = [part for part in wanted if part not in PARTS]
    if unknown or options.rounds < 1:
        parser.error(f"parts are {', '.join(PARTS)}; rounds at least 1")

    build = os.path.abspath(options.build)
    run("ninja", "-C", build, "bench-programs")
    os.environ["PATH"] = os.path.join(build, "app") + ":" + os.environ["PATH"]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{options.rounds} rounds each, in turn. The ratios mean something, the times are those "
          "of this computer now.")
    failed = False
    for part in wanted:
        # Short: paths of sockets are at most 107 bytes long. Open: libvirt's QEMU is another user.
        folder = tempfile.mkdtemp(prefix="lb-")
        os.chmod(folder, 0o755)
        try:
            with contextlib.ExitStack() as stack:
                PARTS[part](Bench(build, options.rounds, folder, stack))
            shutil.rmtree(folder, ignore_errors=True)
        except (Failed, OSError, subprocess.TimeoutExpired) as error:
            print(f"  {part} could not be measured: {error} (see {folder})")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
