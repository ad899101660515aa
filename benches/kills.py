#!/usr/bin/env python3
"""The real program, killed at random moments of a first check, over and over.

    benches/kills.py target/release/tidings 127.0.0.1:41100 m10k 10000 [KILLS]

A server with that many messages in that account, password "pw" (any; Dovecot in the measurements). A proxy
counts which messages are asked for. At the end the cache holds all of them once, and what was asked for more
than once was on its way when the program was killed.
"""
import asyncio, collections, json, os, random, re, subprocess, sys, tempfile

program, server, account, messages = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
kills = int(sys.argv[5]) if len(sys.argv) > 5 else 50
host, port = server.rsplit(":", 1)
asked, came = collections.Counter(), collections.Counter()


class Talk:
    """What is said over one connection: which answers are awaited, and which messages came whole."""
    def __init__(self): self.awaited, self.said, self.heard, self.body = collections.deque([("", 0)]), b"", b"", False

    def client(self, piece):
        lines = (self.said + piece).split(b"\n"); self.said = lines.pop()
        for line in lines:
            words = line.split() or [b""]
            number = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
            self.awaited.append((words[0].decode("latin1"), number))
            if words[0] == b"RETR": asked[number] += 1

    def server(self, piece):
        self.heard += piece
        while True:
            end = self.heard.find(b"\r\n.\r\n" if self.body else b"\r\n")
            if end < 0: return
            if not self.body:
                line, self.heard = self.heard[:end], self.heard[end:]
                keyword, _ = self.awaited[0]
                if keyword in ("RETR", "TOP", "UIDL", "LIST", "CAPA") and line.startswith(b"+OK"): self.body = True; continue
                self.heard = self.heard[2:]
            else:
                self.heard = self.heard[end + 5:]; self.body = False
                keyword, number = self.awaited[0]
                if keyword == "RETR": came[number] += 1
            self.awaited.popleft()


async def carry(reader, writer, see):
    try:
        while piece := await reader.read(65536):
            see(piece); writer.write(piece); await writer.drain()
    except OSError: pass
    finally: writer.close()


async def connected(reader, writer):
    there, back = await asyncio.open_connection(host, int(port))
    talk = Talk()
    await asyncio.gather(carry(reader, back, talk.client), carry(there, writer, talk.server))


async def main():
    random.seed(6)
    proxy = await asyncio.start_server(connected, "127.0.0.1", 0)
    at = proxy.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        config = f"{home}/config.toml"
        with open(config, "w") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(f'[[mailbox]]\nname = "notices"\nhost = "127.0.0.1"\nport = {at}\ntls = "none"\n'
                    f'user = "{account}"\npassword = "pw"\n')
        environment = {"HOME": home, "XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home, "PATH": os.environ["PATH"]}

        async def run(*arguments, kill=None):
            process = await asyncio.create_subprocess_exec(program, "--config", config, *arguments, env=environment,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if kill is None: return await process.communicate()
            try: await asyncio.wait_for(process.wait(), kill)
            except asyncio.TimeoutError: process.kill()
            return await process.communicate()

        killed_in_fetch = 0
        for _ in range(kills):
            before = sum(asked.values())
            await run("check", kill=random.uniform(0.05, 0.6))
            killed_in_fetch += sum(asked.values()) > before
        print(f"{kills} kills, {killed_in_fetch} of them while messages were coming: {len(came)} of {messages} had come", flush=True)
        await run("check", "--quiet")
        rows = (await run("list", "--json=lines"))[0].splitlines()
        ids = {json.loads(row)["id"] for row in rows}
        again = sum(came.values()) - len(came)
        print(f"at the end {len(rows)} notices are kept, {len(ids)} different ones; {sum(came.values())} messages came whole, "
              f"{again} more than there are: {again / max(1, killed_in_fetch):.1f} a kill, none more than {max(came.values())} times")
        sys.exit(not len(rows) == len(ids) == len(came) == messages)


asyncio.run(main())
