"""Stripe's sample events, and signing them as Stripe does."""
import hashlib
import hmac
import json
import pathlib
import time

SECRET = "whsec_test_current"
PREVIOUS = "whsec_test_previous"
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "data" / "stripe"


def samples(user_id, suffix):
    """All samples in the order of their time, for a user; ids are made unique by the suffix, but not prices."""
    events = []
    for path in sorted(FOLDER.glob("*.json")):
        text = path.read_text().replace("${USER_ID}", user_id)
        for prefix in ("evt_1Sample", "cus_SampleCustomer1", "cus_Unknown", "sub_1SampleSubscription", "pi_SampleCredits",
                       "ch_1PgafuB7WZ01zgkWXYmPNZs8", "in_1SampleInvoice", "cs_test_"):
            text = text.replace(prefix, prefix + suffix)
        events.append(text.encode())
    return sorted(events, key=lambda e: (json.loads(e)["created"], json.loads(e)["id"]))


def mac(body, seconds, secret=SECRET):
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def sign(body, secret=SECRET, seconds=None):
    seconds = int(time.time()) if seconds is None else seconds
    return f"t={seconds},v1={mac(body, seconds, secret)}"
