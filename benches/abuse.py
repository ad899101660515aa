#!/usr/bin/env python3
"""An ordinary client's check, alone and beside each kind of abuse; and the server's memory afterwards.

    tidings serve passwd notices --spool DIR          # password: sesame
    tidings deliver notices --spool DIR < mail.eml    # a few hundred times
    tidings serve --spool DIR --listen 127.0.0.1:1110 --tls-listen 127.0.0.1:1995 &
    benches/abuse.py 1110 1995 $!

The abuse comes from 127.0.0.2 and on, the ordinary client from 127.0.0.1. Ratios of medians, in one run.
"""
import multiprocessing, poplib, socket, statistics, sys, threading, time

port, tls_port, pid = map(int, sys.argv[1:4])
CHECKS = 30


def memory():
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) // 1024


def check():
    began = time.perf_counter()
    client = poplib.POP3("127.0.0.1", port, timeout=30)
    client.user("notices"); client.pass_("sesame")
    count = client.stat()[0]; client.uidl()
    for number in range(max(1, count - 9), count + 1):
        client.retr(number)
    client.quit()
    return time.perf_counter() - began


def median():
    return statistics.median(check() for _ in range(CHECKS))


def connect(number, to):
    s = socket.socket(); s.bind((f"127.0.0.{2 + number % 200}", 0)); s.settimeout(5)
    s.connect(("127.0.0.1", to)); return s


def slow_loris(stop):
    """A thousand connections that send an octet now and then."""
    sockets = [connect(n, port) for n in range(1000)]
    while not stop.wait(0.5):
        for s in sockets:
            try: s.send(b"U")
            except OSError: pass


def wrong_passwords(stop):
    """A hundred addresses that guess."""
    def guess(n):
        while not stop.is_set():
            try:
                s = connect(n, port); s.recv(200)
                s.sendall(b"USER notices\r\nPASS guess\r\n"); s.recv(200); s.recv(200)
            except OSError: pass
    threads = [threading.Thread(target=guess, args=(n,), daemon=True) for n in range(100)]
    for t in threads: t.start()
    stop.wait()


def idle_sessions(stop):
    """As many sessions as there may be, signed in and idle; ten thousand try."""
    kept = []
    for n in range(10000):
        if stop.is_set(): break
        try:
            s = connect(n, port); s.sendall(b"USER notices\r\nPASS sesame\r\n"); s.recv(300); kept.append(s)
        except OSError: pass
    stop.wait()


def endless_lines(stop):
    """Lines without an end."""
    def pour(n):
        s = connect(n, port)
        while not stop.is_set():
            try: s.sendall(b"x" * 65536)
            except OSError: s = connect(n, port)
    for n in range(20): threading.Thread(target=pour, args=(n,), daemon=True).start()
    stop.wait()


def stopped_handshakes(stop):
    """TLS handshakes that stop behind the first octets."""
    sockets = [connect(n, tls_port) for n in range(500)]
    for s in sockets: s.send(b"\x16\x03\x01\x02\x00\x01")
    stop.wait()


def never_read(stop):
    """Clients that ask for everything and read nothing."""
    sockets = []
    for n in range(200):
        s = connect(n, port); s.sendall(b"USER notices\r\nPASS sesame\r\n" + b"".join(b"RETR %d\r\n" % i for i in range(1, 200)))
        sockets.append(s)
    stop.wait()


check()
alone, base = median(), memory()
print(f"alone: {alone * 1000:.1f} ms, {base} MiB")
for abuse in (slow_loris, wrong_passwords, idle_sessions, endless_lines, stopped_handshakes, never_read):
    # In a process of its own: the measuring one is not to be slowed by it.
    stop = multiprocessing.Event()
    thread = multiprocessing.Process(target=abuse, args=(stop,), daemon=True); thread.start()
    time.sleep(3)
    beside, held = median(), memory()
    stop.set(); time.sleep(1); thread.kill(); thread.join(); time.sleep(3)
    again = median()
    print(f"{abuse.__name__}: {beside * 1000:.1f} ms = {beside / alone:.2f}x, {held} MiB held, {memory()} MiB afterwards ({again / alone:.2f}x)", flush=True)
