"""A mail server that asks for a login and keeps what it takes: aiosmtpd, with each message in a Maildir. Usage: smtp_server.py PORT FOLDER USER PASSWORD"""

import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword

port, folder, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def authenticate(server, session, envelope, mechanism, login):
    known = isinstance(login, LoginPassword) and (login.login, login.password) == (user.encode(), password.encode())
    return AuthResult(success=known, handled=known)


controller = Controller(
    Mailbox(folder), hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True, auth_require_tls=False
)
controller.start()
threading.Event().wait()
