"""A simulator in this process, and how tests ask it over HTTP."""

import asyncio
import threading
import urllib.error
import urllib.request

from aiohttp.test_utils import TestServer

from simulator.replay_library import LINK

TOKEN = {"Authorization": "Bearer token-of-the-third-party-tests"}


class Answer:
    """An answer of the world: status, headers and body, redirects not followed."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def links(self):
        return {name: url for url, name in LINK.findall(self.headers.get("Link", ""))}


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments):
        return None


OPENER = urllib.request.build_opener(StayHere)


def ask(url, data=None, **headers):
    request = urllib.request.Request(url, data=data, headers=TOKEN | headers)
    try:
        with OPENER.open(request, timeout=30) as answer:
            return Answer(answer.status, answer.headers, answer.read())
    except urllib.error.HTTPError as answer:
        return Answer(answer.code, answer.headers, answer.read())


class Served:
    """A simulator that answers on loopback from a thread of its own."""

    def __init__(self, simulator):
        self.simulator = simulator
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.server = TestServer(simulator.app())
        self.run(self.server.start_server())
        self.base_url = str(self.server.make_url("")).rstrip("/")

    def run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def stop(self):
        self.run(self.server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
