"""Live values of a running fervis."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

from ._types import Frame


def listen(url: str = "ws://127.0.0.1:9117") -> Iterator[Frame]:
    """The frames that a fervis with `--websocket` analyzes, until it ends. Needs `pip install 'fervis[stream]'`.

    Raises ValueError if something else answers at `url`, and OSError if nothing does.
    """
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    with connect(url, max_size=None) as socket:
        greeting = json.loads(socket.recv())
        if greeting.get("schema") != "fervis-stream/1":
            raise ValueError(f"{url} does not send fervis-stream/1")
        try:
            for text in socket:
                message = json.loads(text)
                # Another greeting comes before the results of a network with other labels.
                if "faces" in message:
                    yield cast(Frame, message)
        except ConnectionClosed:
            return
