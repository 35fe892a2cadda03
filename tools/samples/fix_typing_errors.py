"""An address book with four typing errors, one of them a real defect; its tests pass all the same."""

from tools.samples.making import Commit, Sample

_IGNORES = """\
__pycache__/
"""

_PROJECT = """\
[project]
name = "contacts"
version = "1.0"
requires-python = ">=3.11"

[tool.mypy]
strict = true

[[tool.mypy.overrides]]
module = "tests.*"
disallow_untyped_defs = false
"""

_BOOK = '''\
"""An address book in memory."""

from dataclasses import dataclass, field


@dataclass
class Contact:
    """A person and how to reach them."""

    name: str
    mail: str | None = None
    tags: list = field(default_factory=list)


class Book:
    """Contacts by name."""

    def __init__(self):
        self._contacts: dict[str, Contact] = {}

    def add(self, contact: Contact) -> None:
        """Put a contact into the book."""
        self._contacts[contact.name] = contact

    def find(self, name: str) -> Contact:
        """Return the contact of that name, None where there is none."""
        return self._contacts.get(name)

    def domain(self, name: str) -> str:
        """Return the mail domain of a contact, an empty text where it is not known."""
        contact = self.find(name)
        return contact.mail.split("@")[1]
'''

_BOOK_TEST = """\
from contacts.book import Book, Contact


def test_a_contact_is_found_by_name():
    book = Book()
    book.add(Contact("Ada", "ada@example.invalid"))
    assert book.find("Ada").mail == "ada@example.invalid"


def test_the_domain_is_what_follows_the_at_sign():
    book = Book()
    book.add(Contact("Ada", "ada@example.invalid"))
    assert book.domain("Ada") == "example.invalid"
"""

SAMPLE = Sample(
    definition="fix-typing-errors",
    inputs={"paths": "contacts"},
    commits=(
        Commit("Start the address book", {".gitignore": _IGNORES, "pyproject.toml": _PROJECT}),
        Commit(
            "Add contacts",
            {"contacts/__init__.py": "", "contacts/book.py": _BOOK, "tests/test_book.py": _BOOK_TEST},
        ),
    ),
)
