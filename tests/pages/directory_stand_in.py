"""A directory server of ours (ldaptor) that speaks LDAP over TCP: for tests, without the network.

Run alone: `python -m tests.pages.directory_stand_in FILE.ldif ASKED`; it prints its port, and adds to
ASKED a line for each bind and search before it answers, never a password.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from ldaptor.inmemory import fromLDIFFile
from ldaptor.interfaces import IConnectedLDAPEntry
from ldaptor.protocols import pureldap
from ldaptor.protocols.ldap.ldapserver import LDAPServer
from twisted.internet import reactor
from twisted.internet.protocol import ServerFactory
from twisted.python.components import registerAdapter


class Directory(ServerFactory):
    """Who is in the tree, asked by several at once."""

    def __init__(self, root: object, asked: Path) -> None:
        self.root = root
        self.asked = asked

    def note(self, *words: str) -> None:
        with self.asked.open("a") as lines:
            print(*words, file=lines)

    def buildProtocol(self, addr: object) -> Asked:  # noqa: N802  Twisted's name
        proto = Asked()
        proto.factory = self
        return proto


class Asked(LDAPServer):
    """One connection."""

    def handle_LDAPBindRequest(self, request, controls, reply):  # noqa: N802
        """As the protocol wants it: a name without a password is nobody, and is let in as such."""
        self.factory.note("bind", request.dn.decode() or "-")
        if request.auth == b"":
            return pureldap.LDAPBindResponse(resultCode=0)
        return super().handle_LDAPBindRequest(request, controls, reply)

    def handle_LDAPSearchRequest(self, request, controls, reply):  # noqa: N802
        """Only whoever signed in may search."""
        self.factory.note("search", request.baseObject.decode())
        if self.boundUser is None:
            return pureldap.LDAPSearchResultDone(resultCode=50)
        return super().handle_LDAPSearchRequest(request, controls, reply)


def main() -> None:
    """Serve until ended."""
    tree, asked = map(Path, sys.argv[1:])
    registerAdapter(lambda factory: factory.root, Directory, IConnectedLDAPEntry)

    def serve(root: object) -> None:
        port = reactor.listenTCP(0, Directory(root, asked), interface="127.0.0.1")
        print(port.getHost().port, flush=True)

    fromLDIFFile(io.BytesIO(tree.read_bytes())).addCallback(serve)
    reactor.run()


if __name__ == "__main__":
    main()
