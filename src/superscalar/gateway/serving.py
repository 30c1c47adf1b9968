"""A gateway as a server of the Model Context Protocol, for clients of its 2025 and its 2026 revisions.

A run that waits for a person is suspended. A client of 2026-07-28 that asks people gets the questions with a sealed
state (`InputRequiredResult`), and comes again with the answers; one of before is asked in between (`elicit`); any
other is told which command approves.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple

import mcp_types as types
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolRequestParams, CallToolResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from superscalar.errors import SuperscalarError, UsageError
from superscalar.gateway import texts
from superscalar.gateway.gateway import Gateway, GatewayClient
from superscalar.gateway.principals import STDIO
from superscalar.gateway.replies import CallsMade, GatewayReply, OnCalls
from superscalar.policy import Question
from superscalar.saved.examining import SavedPlan
from superscalar.short import cut, short
from superscalar.tools.tool import Tool
from superscalar.version import __version__

NAME: Final = "superscalar"
_LOG: Final = logging.getLogger("superscalar.gateway")
_SCHEME: Final = "superscalar://"
_STATE_LIVES: Final = 24 * 3600.0
"""Seconds that a client may take to ask its person."""
_LONGEST_QUESTION: Final = 4_000
_MOST_ASKED: Final = 20
"""Questions at a time."""
_MOST_ROUNDS: Final = 9
"""Times that one request is answered with questions; clients give up at ten, and then tell nobody which run waits."""
_STEP: Final = 0.001
"""What is added to a progress that no call has ended for: the protocol wants each to be more than the one before."""
_FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"approve": {"type": "boolean", "title": "Approve", "description": "Make this call"}},
    "required": ["approve"],
}
_TEXT: Final = {"type": "string"}


class GatewayServer:
    """Serves one gateway. `secret`: what states are sealed with; it is to be the same when the gateway starts again."""

    def __init__(self, gateway: Gateway, secret: bytes) -> None:
        self._gateway = gateway
        self.server: Server[Any] = Server(
            NAME,
            version=__version__,
            instructions=texts.INSTRUCTIONS,
            on_list_tools=self._list_tools,
            on_call_tool=self._call_tool,
            on_list_resources=self._list_resources,
            on_list_resource_templates=self._list_templates,
            on_read_resource=self._read,
        )
        security = RequestStateSecurity(keys=[secret], ttl=_STATE_LIVES, bind_principal=lambda _: _principal())
        self.server.middleware.append(RequestStateBoundary(security, default_audience=NAME))

    # ------------------------------------------------------------------------------------------------------- tools

    async def _list_tools(self, _ctx: Any, _params: Any) -> types.ListToolsResult:
        client = self._client()
        listed = [
            _tool("list_tools", texts.LIST_TOOLS, {"query": _TEXT}, reads=True),
            _tool("check_plan", texts.CHECK_PLAN, {"plan": _TEXT}, ["plan"], reads=True),
            _tool(
                "run_plan",
                texts.RUN_PLAN,
                {"plan": _TEXT, "name": _TEXT, "inputs": {"type": "object"}, "resume": _TEXT},
            ),
        ]
        if self._gateway.agent.options.plans is not None:
            properties = {"name": _TEXT, "plan": _TEXT, "description": _TEXT}
            listed.append(_tool("save_plan", texts.SAVE_PLAN, properties, ["name", "plan"]))
        known = {one.name for one in listed}
        reviewed = [saved for saved in await client.saved_plans() if saved.name not in known]
        listed += [_tool_of(saved) for saved in reviewed if not any(one.secret for one in saved.plan.inputs)]
        return types.ListToolsResult(tools=listed)

    async def _call_tool(self, ctx: Any, params: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        client = self._client()
        given = params.arguments or {}
        try:
            match params.name:
                case "list_tools":
                    return _result(await client.list_tools(_text(given, "query")))
                case "check_plan":
                    return _result(await client.check_plan(_text(given, "plan")))
                case "save_plan":
                    name, plan = _text(given, "name"), _text(given, "plan")
                    return _result(await client.save_plan(name, plan, _text(given, "description")))
                case "run_plan":
                    asked = {
                        key: given[key] for key in ("plan", "name", "inputs", "resume") if given.get(key) is not None
                    }
                    if others := given.keys() - {"plan", "name", "inputs", "resume"}:
                        raise UsageError(f"run_plan has no argument {short(min(others))}")
                    for key in asked.keys() & {"plan", "name", "resume"}:
                        _text(asked, key)
                case name if name in {one.name for one in await client.saved_plans()}:
                    asked = {"name": name, "inputs": given}
                case name:
                    raise UsageError(f"there is no tool {short(name)}; plans are run by run_plan(plan=...)")
            return await self._run(ctx, params, client, asked)
        except SuperscalarError as error:
            return _result(GatewayReply(cut(str(error), 2_000), "refused", failed=True))

    async def _run(
        self, ctx: Any, params: CallToolRequestParams, client: GatewayClient, asked: Mapping[str, Any]
    ) -> CallToolResult | InputRequiredResult:
        async with _reporting(ctx) as told:
            brought: _AskedOf | None = None
            if params.request_state is not None:
                brought = _AskedOf.read(params.request_state)
                answers = brought.answers(params.input_responses or {})
                if answers:
                    await client.answer(brought.run, answers)
                reply = await client.run_plan(resume=brought.run, told=told)
                if not answers:
                    return _result(reply)  # nobody said anything: asking again at once would go on for ever
            else:
                reply = await client.run_plan(**asked, told=told)
            while self._may_ask(ctx, client, reply):
                if ctx.protocol_version in MODERN_PROTOCOL_VERSIONS:
                    times = 1 if brought is None else brought.times + 1
                    return _asking(reply, times) if times <= _MOST_ROUNDS else _result(reply)
                answers = await self._ask(ctx, reply.questions[:_MOST_ASKED])
                if not answers:
                    break
                await client.answer(reply.run, answers)
                reply = await client.run_plan(resume=reply.run, told=told)
        return _result(reply)

    def _may_ask(self, ctx: Any, client: GatewayClient, reply: GatewayReply) -> bool:
        """Whether a person is to be asked through the client.

        What a call would be made with may be a text of strangers: where these stay here, so do questions.
        """
        waits = reply.state == "waiting" and bool(reply.questions)
        return waits and client.principal.approves and not self._gateway.terms.is_veiled and _asks_people(ctx)

    async def _ask(self, ctx: Any, questions: Iterable[Question]) -> dict[str, bool]:
        """Have a client of before 2026 ask its person, one question after the other, until one is left open."""
        answers: dict[str, bool] = {}
        for question in questions:
            try:
                response = await ctx.session.elicit_form(_question_text(question), _FORM, ctx.request_id)
            except (MCPError, ValueError) as error:  # it cannot ask after all, or says what is no answer
                _LOG.warning("%s was not asked: %s", question.answered_by, cut(str(error), 200))
                break
            said = _said(response)
            if said is None:
                break
            answers[question.answered_by] = said
        return answers

    # --------------------------------------------------------------------------------------------------- resources

    async def _list_resources(self, _ctx: Any, _params: Any) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])

    async def _list_templates(self, _ctx: Any, _params: Any) -> types.ListResourceTemplatesResult:
        about = "A value of an earlier run of yours, as a whole"
        template = types.ResourceTemplate(name="result", uri_template=f"{_SCHEME}{{run}}/{{name}}", description=about)
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def _read(self, _ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        run, slash, name = params.uri.removeprefix(_SCHEME).partition("/")
        try:
            if not slash or not params.uri.startswith(_SCHEME):
                raise UsageError(f"{short(params.uri)} is no value of a run: {_SCHEME}RUN/NAME")
            text = await self._client().read(run, name)
        except SuperscalarError as error:
            raise MCPError(code=types.INVALID_PARAMS, message=cut(str(error), 500)) from None
        return types.ReadResourceResult(
            contents=[types.TextResourceContents(uri=params.uri, text=text, mime_type="text/plain")]
        )

    def _client(self) -> GatewayClient:
        return self._gateway.client(_principal())


def _principal() -> str:
    """Who asks: what the token says that came with the message; over a pipe there is none."""
    token = get_access_token()
    return STDIO if token is None else token.client_id


def _asks_people(ctx: Any) -> bool:
    wanted = types.ClientCapabilities(elicitation=types.ElicitationCapability())
    return bool(ctx.session.check_client_capability(wanted))


class _AskedOf(NamedTuple):
    """What the state says that a client brings back: what its person was asked, and how often it was by now."""

    run: str
    asked: Sequence[str]
    times: int

    @classmethod
    def read(cls, state: str) -> _AskedOf:
        try:
            found = json.loads(state)
            run, asked, times = found["run"], found["asked"], found["times"]
        except (ValueError, TypeError, KeyError):
            raise UsageError("this state is none of a run") from None
        return cls(run, asked, times)

    def answers(self, responses: Mapping[str, Any]) -> dict[str, bool]:
        """What a person said of what was asked; what else is brought counts for nothing."""
        said = {key: _said(responses[key]) for key in self.asked if key in responses}
        return {key: one for key, one in said.items() if one is not None}


def _asking(reply: GatewayReply, times: int) -> InputRequiredResult:
    asked = {
        question.answered_by: types.ElicitRequest(
            params=types.ElicitRequestFormParams(message=_question_text(question), requested_schema=_FORM)
        )
        for question in reply.questions[:_MOST_ASKED]
    }
    state = json.dumps(_AskedOf(reply.run, list(asked), times)._asdict())
    return InputRequiredResult(input_requests=dict(asked), request_state=state)


def _question_text(question: Question) -> str:
    """The question as we put it, made of the call that would be made; no client has a say in it."""
    return cut(str(question), _LONGEST_QUESTION)


def _said(response: Any) -> bool | None:
    """What a person said; None where nobody said anything. Only a plain yes is one."""
    if not isinstance(response, types.ElicitResult) or response.action == "cancel":
        return None
    return response.action == "accept" and (response.content or {}).get("approve") is True


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise UsageError(f"{name}= is a text")
    return value


def _tool(
    name: str, description: str, properties: Mapping[str, Any], required: Iterable[str] = (), *, reads: bool = False
) -> types.Tool:
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }
    return types.Tool(
        name=name,
        description=description,
        input_schema=schema,
        annotations=types.ToolAnnotations(read_only_hint=True) if reads else None,
    )


def _tool_of(saved: SavedPlan) -> types.Tool:
    made = Tool.from_plan(saved.plan, name=saved.name, description=saved.description)
    about = saved.description or f"The reviewed plan {saved.name}."
    reads = made.effect != "write"
    return types.Tool(
        name=saved.name,
        description=about,
        input_schema={**made.schema, "type": "object"},
        annotations=types.ToolAnnotations(read_only_hint=True) if reads else None,
    )


def _result(reply: GatewayReply) -> CallToolResult:
    content: list[Any] = [types.TextContent(text=reply.text)]
    head = [f"run {reply.run}"] if reply.run and reply.state == "done" else []
    if notes := [*head, *reply.notes]:
        content.append(types.TextContent(text="\n".join(notes)))
    content += [types.ResourceLink(uri=link.uri, name=link.name, size=link.size) for link in reply.links]
    for file in reply.files:
        data = base64.b64encode(file.content).decode()
        if file.media_type.startswith("image/"):
            content.append(types.ImageContent(data=data, mime_type=file.media_type))
        elif file.media_type.startswith("audio/"):
            content.append(types.AudioContent(data=data, mime_type=file.media_type))
    return CallToolResult(content=content, is_error=reply.failed)


@asynccontextmanager
async def _reporting(ctx: Any) -> AsyncIterator[OnCalls]:
    """What a run is told to report to; nothing is sent to a client that did not ask to hear of it."""
    latest: list[CallsMade] = []
    fresh = asyncio.Event()

    def told(made: CallsMade) -> None:
        latest[:] = [made]
        fresh.set()

    async def report() -> None:
        at = -_STEP
        while True:
            await fresh.wait()
            fresh.clear()
            made = latest[0]
            at = max(float(made.ended), at + _STEP)
            await ctx.session.report_progress(at, max(float(made.known), at), made.text)

    reporting = asyncio.create_task(report())
    try:
        yield told
    finally:
        reporting.cancel()
        await asyncio.wait([reporting])
