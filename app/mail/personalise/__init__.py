"""Personalisation of subjects, preheaders, HTML and text: `{TAG}` and a small part of Liquid.

A text is parsed once into a `Template`; rendering only fills slots. Nothing in a template can call, loop or read
anything but the given values, so its cost is bounded by its size. Imports the standard library only.

Source: docs/contract/dynosend.md, section 13; docs/decisions/0008-own-personalisation.md.
"""

from app.mail.personalise.expressions import Condition, Expression, Filter, FilterName, Operator, Values, lookup
from app.mail.personalise.grammar import Choice, Control, Node, Piece, Place, Unbalanced, Word, build, expressions
from app.mail.personalise.lexer import MAX_SOURCE, SyntaxProblem, Token, scan
from app.mail.personalise.names import STANDARD, known_names
from app.mail.personalise.template import MAX_OUTPUT, Template, TooLarge, parse

__all__ = [
    "MAX_OUTPUT",
    "MAX_SOURCE",
    "STANDARD",
    "Choice",
    "Condition",
    "Control",
    "Expression",
    "Filter",
    "FilterName",
    "Node",
    "Operator",
    "Piece",
    "Place",
    "SyntaxProblem",
    "Template",
    "Token",
    "TooLarge",
    "Unbalanced",
    "Values",
    "Word",
    "build",
    "expressions",
    "known_names",
    "lookup",
    "parse",
    "scan",
]
