"""Plans for other people's agents: runs that belong to a gateway, asked for by clients that nobody has to trust.

Nothing here knows a protocol but the modules `serving` and `over_http`, which speak MCP.
"""

from superscalar.gateway.gateway import Gateway, GatewayClient
from superscalar.gateway.principals import Principal
from superscalar.gateway.replies import GatewayReply, GatewayState, ResultLink

__all__ = ["Gateway", "GatewayClient", "GatewayReply", "GatewayState", "Principal", "ResultLink"]
