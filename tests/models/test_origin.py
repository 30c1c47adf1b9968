"""A key goes to the server that it was given for, and in the open to this machine alone."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64encode
from typing import Any

import pytest

from superscalar.errors import ModelError, UsageError
from superscalar.hosts import in_the_open
from superscalar.models.base import Message, Request
from superscalar.models.openai import OpenAIModel
from superscalar.models.origin import options
from superscalar.secrets import MARK
from support.fake_openai import Exchange, delta, serving

KEY = "sk-9f8e7d6c5b4a3210/+"
ASKED = Request((Message("user", "?"),))


@pytest.mark.parametrize(
    ("url", "open"),
    [
        ("https://api.example.org/v1", False),
        ("HTTPS://api.example.org/v1", False),
        ("http://api.example.org/v1", True),
        ("http://10.0.0.7:8000/v1", True),
        ("http://192.168.1.2/v1", True),
        ("http://127.0.0.1:8000/v1", False),
        ("http://127.8.9.1/v1", False),
        ("http://localhost:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://[fe80::1]/v1", True),
        ("http://localhost.example.org/v1", True),
        ("http://127.0.0.1.example.org/v1", True),
        ("http://0.0.0.0:8000/v1", True),
        ("ftp://example.org/v1", True),
    ],
)
def test_only_this_machine_is_spoken_to_in_the_open(url: str, open: bool) -> None:
    assert in_the_open(url) is open
    if open:
        with pytest.raises(UsageError, match=r"unencrypted.*insecure=True"):
            OpenAIModel("m", base_url=url, api_key=KEY)
    else:
        OpenAIModel("m", base_url=url, api_key=KEY)


def test_who_says_so_sends_a_key_in_the_open() -> None:
    assert OpenAIModel("m", base_url="http://10.0.0.7/v1", api_key=KEY, insecure=True).secrets == (KEY,)


def test_the_address_in_the_message_has_no_password() -> None:
    with pytest.raises(UsageError) as caught:
        OpenAIModel("m", base_url="http://u:pass@10.0.0.7/v1?token=x", api_key=KEY)
    assert "pass" not in str(caught.value)
    assert "token" not in str(caught.value)


def test_a_key_of_the_environment_counts_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(UsageError, match="unencrypted"):
        OpenAIModel("m", base_url="http://models.example.org/v1")


async def _asked(url: str) -> list[Any]:
    model = OpenAIModel("m", base_url=url, api_key=KEY)
    try:
        return [chunk async for chunk in model.stream(ASKED)]
    finally:
        await model.aclose()


async def _answers(exchange: Exchange) -> None:
    await exchange.start()
    await exchange.events(delta("yes", "stop"))
    await exchange.done()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_origin_is_refused(status: int) -> None:
    async def main() -> None:
        async with serving(_answers) as other:

            async def elsewhere(exchange: Exchange) -> None:
                await exchange.status(status, {}, Location=f"{other.url}/chat/completions?k=1")

            async with serving(elsewhere) as server:
                with pytest.raises(ModelError, match=r"sends the request on to http://127.0.0.1:\d+/") as caught:
                    await _asked(server.url)
                assert not caught.value.retryable
                assert "k=1" not in str(caught.value)
            assert other.exchanges == []

    asyncio.run(main())


def test_a_redirect_on_the_same_server_is_followed() -> None:
    async def main() -> None:
        async def moved(exchange: Exchange) -> None:
            await exchange.status(307, {}, Location="/v2/chat/completions")

        async with serving(moved, _answers) as server:
            assert "".join(chunk.text for chunk in await _asked(server.url)) == "yes"

    asyncio.run(main())


def test_a_proxy_of_the_environment_gets_nothing_that_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serving(_answers) as proxy, serving(_answers) as server:
            monkeypatch.setenv("HTTP_PROXY", proxy.url.removesuffix("/v1"))
            monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
            assert "".join(chunk.text for chunk in await _asked(server.url)) == "yes"
            assert proxy.exchanges == []

    asyncio.run(main())


@pytest.mark.parametrize("written", [KEY, KEY.replace("/", "%2F").replace("+", "%2B"), json.dumps(KEY), KEY[:14]])
def test_a_refusal_that_quotes_the_key_is_told_without_it(written: str) -> None:
    async def main() -> None:
        async def refuses(exchange: Exchange) -> None:
            await exchange.status(400, {"message": f"bad key {written}"})

        async with serving(refuses) as server:
            with pytest.raises(ModelError, match="bad key") as caught:
                await _asked(server.url)
            assert written not in str(caught.value)
            assert MARK in str(caught.value) or "***" in str(caught.value)

    asyncio.run(main())


def test_certificates_are_read_for_a_server_that_has_one() -> None:
    trusted = options("http://127.0.0.1:1/v1")["verify"]
    assert (trusted.get_ca_certs(), trusted.verify_mode, trusted.check_hostname) == ([], ssl.CERT_REQUIRED, True)
    assert "verify" not in options("https://api.example/v1")


def test_a_password_in_the_address_is_sent_and_neither_logged_nor_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    async def refuses(exchange: Exchange) -> None:
        await exchange.status(400, {"message": "not with pa/ss-word"})

    async def main() -> tuple[str, str]:
        async with serving(refuses) as server:
            model = OpenAIModel("m", base_url=server.url.replace("//", "//ann:pa%2Fss-word@"), api_key=KEY)
            with pytest.raises(ModelError) as refused:
                await anext(model.stream(ASKED))
            await model.aclose()
            return server.exchanges[0].headers["authorization"], str(refused.value)

    sent, told = asyncio.run(main())
    assert sent == "basic " + b64encode(b"ann:pa/ss-word").decode().lower()
    assert "word" not in told + caplog.text
    assert "HTTP Request: POST http://127.0.0.1" in caplog.text
