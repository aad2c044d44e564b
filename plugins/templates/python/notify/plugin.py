"""Tells of a release by posting the event to an address, as JSON."""

import sprag


@sprag.params
class Params:
    """Where to send."""

    url: str = sprag.param(description="The address: the stage must be granted its origin.")
    secret: str | None = sprag.param(None, description="The secret that goes along as a bearer token.")


@sprag.notifier
def notify(session: sprag.Session, params: Params, event: dict) -> None:
    request = sprag.Request.post_json(params.url, event)
    request.timeout = 20.0
    if params.secret is not None:
        request.bearer(session.placeholder(params.secret))
    answer = session.send(request)
    found = f"expected the event to be taken, found status {answer.status}: {answer.text[:300]}"
    if answer.is_transient:
        raise sprag.Retry(found)
    if not answer.is_success:
        raise sprag.BadParams(found)
    session.info(f"told of `{event['event']}` with status {answer.status}")
