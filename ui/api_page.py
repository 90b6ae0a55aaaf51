"""The page that documents the endpoints for programs, made from what Gradio knows of them."""

from html import escape

from gradio import Blocks
from gradio.route_utils import API_PREFIX
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ui.api_texts import text

PATH = "/docs"
OPENAPI = f"{API_PREFIX}/openapi.json"

STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
pre, code { font-family: ui-monospace, Consolas, monospace; font-size: 0.9em; }
pre { overflow-x: auto; padding: 0.75rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; overflow-wrap: anywhere;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
td:first-child { white-space: nowrap; }
td:nth-child(2) { min-width: 7rem; }
@media (max-width: 40rem) { thead { display: none; } td { display: block; border: 0; padding: 0; }
  td:last-child { padding-bottom: 0.8rem; } }
"""

PYTHON = """from gradio_client import Client, handle_file

client = Client("{root}"{auth})
result = client.predict({arguments}api_name="{name}")"""

CURL = """FILE=$(curl -s -F files=@{file} {root}{prefix}/upload | tr -d '[]"')
CALL=$(curl -s {root}{prefix}/call/v2{name} -H "Content-Type: application/json" \\
  -d '{body}' | cut -d '"' -f 4)
curl -sN {root}{prefix}/call{name}/$CALL     # "event: complete" comes with the url of the result"""


def api_routes(blocks: Blocks, has_password: bool) -> list[Route]:
    """`/docs`, and `/openapi.json` to the description by OpenAPI of the same endpoints."""

    def docs(request: Request) -> Response:
        return HTMLResponse(api_page(blocks.get_api_info(), str(request.base_url).rstrip("/"), has_password))

    def openapi(request: Request) -> Response:
        return RedirectResponse(str(request.base_url).rstrip("/") + OPENAPI)

    return [Route(PATH, docs), Route("/openapi.json", openapi)]


def api_page(info: dict, root: str, has_password: bool = False) -> str:
    """HTML. info: as `Blocks.get_api_info` gives it. root: the server's address."""
    endpoints = "".join(
        _endpoint(name, described, root, has_password) for name, described in info["named_endpoints"].items()
    )
    title = escape(text("page_title"))
    link = f'<a href="{escape(root + OPENAPI)}">OpenAPI</a>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1><p>{escape(text('page_intro'))} {link}</p>{endpoints}</body></html>"
    )


def _endpoint(name: str, described: dict, root: str, has_password: bool) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(parameter['parameter_name'])}</code></td><td>{escape(_kind(parameter))}</td>"
        f"<td>{escape(parameter['type'].get('description', ''))}</td></tr>"
        for parameter in described["parameters"]
    )
    returns = ", ".join(escape(value["label"]) for value in described["returns"])
    return (
        f'<h2 id="{escape(name[1:])}"><code>{escape(name)}</code></h2><p>{escape(described["description"])}</p>'
        f"<table><thead><tr><th>Argument</th><th>Type</th><th>Meaning</th></tr></thead><tbody>{rows}</tbody></table>"
        f"<p>Returns: {returns}</p><pre>{escape(_python(name, described, root, has_password))}</pre>"
        f"<pre>{escape(_curl(name, described, root))}</pre>"
    )


def _kind(parameter: dict) -> str:
    kind = "file" if _is_file(parameter) else parameter["type"].get("type", "")
    if not parameter["parameter_has_default"]:
        return f"{kind}, required"
    default = parameter["parameter_default"]
    return f"{kind}, may be left out" if default is None else f"{kind}, default {default}"


def _is_file(parameter: dict) -> bool:
    return "path" in parameter["type"].get("properties", {})


def _needed(described: dict) -> list[dict]:
    """What a first call gives: the required arguments, and the files but further ones of a kind (`reference_2`)."""
    return [
        parameter
        for parameter in described["parameters"]
        if not parameter["parameter_has_default"]
        or (_is_file(parameter) and not parameter["parameter_name"][-1].isdigit())
    ]


def _python(name: str, described: dict, root: str, has_password: bool) -> str:
    arguments = "".join(
        f'{parameter["parameter_name"]}=handle_file("{parameter["parameter_name"]}.png"), '
        if _is_file(parameter)
        else f'{parameter["parameter_name"]}="the hair", '
        for parameter in _needed(described)
    )
    auth = ', auth=("any name", "the password")' if has_password else ""
    return PYTHON.format(root=root, auth=auth, arguments=arguments, name=name)


def _curl(name: str, described: dict, root: str) -> str:
    file, *others = _needed(described)
    parts = [f'"{file["parameter_name"]}": {{"path": "\'$FILE\'", "meta": {{"_type": "gradio.FileData"}}}}']
    parts += [f'"{other["parameter_name"]}": "the hair"' for other in others if not _is_file(other)]
    body = f"{{{', '.join(parts)}}}"
    return CURL.format(root=root, prefix=API_PREFIX, name=name, file=f"{file['parameter_name']}.png", body=body)
