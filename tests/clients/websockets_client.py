"""What one who uses Python's `websockets` does in a room: a JSON object on standard input names it, and nothing is said when all is well."""

import asyncio
import json
import sys
import urllib.request

from websockets.asyncio.client import connect

TOO_LONG = 15


class Client:
    """One connection, and where it stands on the critical lane."""

    def __init__(self, socket):
        self.socket, self.waiting, self.position = socket, [], None

    async def send(self, **message):
        await self.socket.send(json.dumps(message))

    async def until(self, wanted):
        """The first publication that `wanted` likes."""
        while True:
            while not self.waiting:
                text = await asyncio.wait_for(self.socket.recv(decode=True), TOO_LONG)
                self.waiting = [json.loads(line) for line in text.splitlines()]
            publication = self.waiting.pop(0)
            if "offset" in publication:
                self.position["offset"] = publication["offset"]
            if wanted(publication):
                return publication

    async def reply(self, to):
        found = await self.until(lambda said: said.get("reply", {}).get("id") == to)
        return found["reply"]

    async def join(self, **how):
        await self.send(id=1, join=how)
        joined = (await self.until(lambda said: "joined" in said))["joined"]
        self.position = {"offset": "0", **joined["position"]}
        assert "done" in await self.reply(1)
        return joined


def is_(found, wanted):
    assert found == wanted, f"{found!r} is not {wanted!r}"


def post(room, text):
    body = json.dumps({"text": text}).encode()
    headers = {"authorization": f"Bearer {room['host']}", "content-type": "application/json"}
    asked = urllib.request.Request(room["notices"], body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(asked) as answer:
        is_(answer.status, 200)


async def bye(socket):
    await socket.close(1000, "bye")
    is_((socket.close_code, socket.protocol.close_rcvd_then_sent), (1000, False))


async def main(room):
    def opened():
        # Compression is what the library asks for by itself.
        return connect(room["address"], subprotocols=["apricot.v1.json"], proxy=None)

    async with opened() as socket:
        is_(socket.subprotocol, "apricot.v1.json")
        is_([extension.name for extension in socket.protocol.extensions], room["extensions"])
        guest = Client(socket)
        is_((await guest.join())["role"], "guest")
        await guest.send(id=2, say={"text": "hello"})
        is_((await guest.reply(2))["problem"]["type"], "token-required")
        await bye(socket)

    async with opened() as socket:
        mei = Client(socket)
        is_((await mei.join(token=room["viewer"]))["subject"], "mei")
        await mei.send(id=2, say={"text": "新鲜吗？"})
        own = await mei.until(lambda said: "chat" in said or "problem" in said.get("reply", {}))
        is_((own["chat"]["text"], own["chat"]["authorId"]), ("新鲜吗？", "mei"))
        await asyncio.wait_for(await socket.ping(b"are you there"), TOO_LONG)
        await mei.send(id=3, ping={"clientTimeMs": "12"})
        is_((await mei.reply(3))["pong"]["clientTimeMs"], "12")
        await bye(socket)

    await asyncio.to_thread(post, room, "missed")
    async with opened() as socket:
        again = Client(socket)
        is_((await again.join(token=room["viewer"], position=mei.position))["recovered"], True)
        await asyncio.to_thread(post, room, "present")
        notices = []
        while "present" not in notices:
            notices.append((await again.until(lambda said: "notice" in said))["notice"]["text"])
        is_(notices, ["missed", "present"])
        await bye(socket)


asyncio.run(main(json.load(sys.stdin)))
