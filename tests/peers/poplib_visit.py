"""A visit by Python's poplib: poplib_visit.py PORT FOLDER, where FOLDER holds 1, 2, ... as they were mailed."""
import pathlib, poplib, socket, sys

port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
mails = [(folder / str(n)).read_bytes() for n in range(1, len(list(folder.iterdir())) + 1)]


def sign_in():
    box = poplib.POP3("127.0.0.1", port, timeout=20)
    box.user("notices")
    box.pass_("sesame")
    return box


def as_sent(mail):
    lines = mail.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    return [line.removesuffix(b"\r") for line in lines]


box = sign_in()
count, octets = box.stat()
assert count == len(mails), count
sizes = [int(line.split()[1]) for line in box.list()[1]]
assert sum(sizes) == octets, (sizes, octets)
ids = [line.split()[1] for line in box.uidl()[1]]
assert len(set(ids)) == count, ids
assert "TOP" in box.capa() and "UIDL" in box.capa(), box.capa()
for number, mail in enumerate(mails, 1):
    lines = as_sent(mail)
    _, got, size = box.retr(number)
    assert got == lines, (number, got, lines)
    assert sum(len(line) + 2 for line in got) == sizes[number - 1], number
    header = lines.index(b"") if b"" in lines else len(lines)
    assert box.top(number, 0)[1] == lines[:header + 1], number
    assert box.top(number, 2)[1] == lines[:header + 3], number
box.dele(1)
assert box.stat()[0] == count - 1
box.rset()
assert box.stat()[0] == count
box.dele(1)
box.sock.shutdown(socket.SHUT_RDWR)  # the connection is lost: nothing is deleted
box = sign_in()
assert box.stat()[0] == count
box.dele(1)
box.quit()
box = sign_in()
assert box.stat()[0] == count - 1
assert [line.split()[1] for line in box.uidl()[1]] == ids[1:]
box.quit()
