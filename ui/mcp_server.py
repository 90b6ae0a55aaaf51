"""The endpoints for programs as tools of an MCP server, which is Gradio's own and optional."""

from importlib.util import find_spec

from colorizer.errors import UserError

PATH = "gradio_api/mcp/"  # after the page's address


def check_mcp(password: str | None) -> None:
    """Raises UserError where the MCP server could not be started, or would let callers in without the password."""
    if find_spec("mcp") is None:
        raise UserError("The MCP server needs one more package: pip install 'gradio[mcp]'")
    if password:
        raise UserError("The MCP server lets callers in without a password; leave out --password or --mcp.")
