"""Where `NativeForm` stood before plans could fall back to it."""

from superscalar.compiler.native import NativeForm as NativeForm
