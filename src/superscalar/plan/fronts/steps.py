"""The `json` front end (rule L28), for endpoints that write nothing but structured output.

    {"steps": [
       {"thought": "I need its height.", "id": "everest", "tool": "search", "arguments": {"query": "Mount Everest"}},
       {"id": "half", "tool": "math", "arguments": {"problem": {"$text": ["half of ", {"$ref": "everest"}]}}}],
     "join": {"height": {"$ref": "everest", "path": ["results", 0, "metres"]}, "half": {"$ref": "half"}}}

The plan is one object with `steps`, a list, and then `join`, which may be left out.

A step has, in any order, `tool` (the tool's alias, or its own name), `arguments` (an object: by alias, or by own name;
may be left out where there are none), `id` (a name as Python has them, which no other step has; may be left out where
nothing refers to it) and `thought` (text; may be left out). It has nothing else: order comes from references (L8).

A value, at any depth of `arguments` and in `join`, is JSON data or one of three objects, which alone have a key that
begins with `$`:

- `{"$ref": "everest"}`: what an earlier step left behind; `"path"`, a list of field names and item numbers, leads to a
  part of it.
- `{"$text": ["half of ", {"$ref": "everest"}]}`: text in which values are inserted.
- `{"$value": ...}`: JSON data as it stands, whatever its keys. Text is never scanned for references (L9).

`join`: a reference is the result; a list, several; an object, named ones; nothing, null or empty, all steps (L6).
"""
