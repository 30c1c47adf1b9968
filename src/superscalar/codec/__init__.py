"""Events as JSON and back: what a journal, a worker process or a page over HTTP is given.

Three layers. An *event* is an object with its format version, its kind, and its fields by name. A *node* (a task, an
expression, a failure) is an object with one key, `{"Call": ["price", ...]}`: the fields in order, those at the end that
have their default left out; fields may thus be added at the end only. A *value* that a tool returned is written as
JSON says it where JSON can, and as `{"_": "tuple", "v": [...]}` where it cannot, so that it comes back with its type.

Reading never imports or calls what the data names: it knows the classes of this library and of plain data, no others.
"""

from superscalar.codec.data import JSON, VERSION, Unreadable, Unwritable, data_of, from_json, loads, to_json
from superscalar.codec.text import dumps

__all__ = ["JSON", "VERSION", "Unreadable", "Unwritable", "data_of", "dumps", "from_json", "loads", "to_json"]
