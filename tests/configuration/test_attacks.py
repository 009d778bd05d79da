"""Every class of attack that the TUF specification names, played against the real client over real HTTP."""

from __future__ import annotations

import http.server
import json
import socket
import time
from datetime import timedelta

import pytest

from kiosk.configuration.client import NotTaken, Unreachable
from kiosk.domain.fleet import Slot
from tests.configuration.office import BEGAN, FILES, Kiosk, Mirror, Office, public, signed


def refused(kiosk: Kiosk, number: int) -> str:
    with pytest.raises(NotTaken) as told:
        kiosk.fetch(number)
    return told.value.word


def resigned(office: Office, path: str, **changed: object) -> bytes:
    """A metadata file with other content and the signatures it had."""
    tree = json.loads((office.folder / path).read_text())
    tree["signed"].update(changed)
    return json.dumps(tree).encode()


def test_arbitrary_installation_what_nobody_signed_is_not_taken(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = office.publish()
    [bundle] = [path for path in office.files() if path.startswith("targets/")]
    own = office.files()[bundle].replace(b"61.0", b"99.0")
    mirror.instead[bundle] = own
    assert refused(kiosk, number) == "tampered"
    # Nor with a list of releases that says so, and the officers' old signatures.
    later = resigned(office, "metadata/2.targets.json", expires="2036-01-01T00:00:00Z")
    mirror.instead["metadata/2.targets.json"] = later
    kiosk.lose_metadata()
    assert refused(kiosk, number) == "unsigned"


def test_arbitrary_installation_the_online_key_alone_makes_no_release(
    office: Office, mirror: Mirror, kiosk: Kiosk
) -> None:
    office.publish()
    [online] = (office.folder / "keys").iterdir()
    draft = office.repository.draft_release(FILES, _audience(), "mine", "eve", office.now)
    made = json.loads(draft.targets)
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner
    from tuf.api.metadata import Metadata, Targets

    targets: Metadata[Targets] = Metadata.from_dict(made)
    targets.sign(CryptoSigner(load_pem_private_key(online.read_bytes(), None)))  # type: ignore[arg-type]
    (office.metadata / "3.targets.json").write_bytes(targets.to_bytes())
    office.repository._sign_online(office.now, targets.signed)
    assert refused(kiosk, 2) == "unsigned"


def _audience(*kiosks: str):  # type: ignore[no-untyped-def]
    from kiosk.domain.fleet import Audience
    from tests.configuration.office import HALL

    return Audience(HALL, list(kiosks))


def test_endless_data_is_cut_off_where_the_signed_length_ends(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = office.publish()
    sent = [0]

    def pour(path: str, handler: http.server.BaseHTTPRequestHandler) -> bool:
        if not path.startswith("targets/"):
            return False
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while sent[0] < 200_000_000:
                sent[0] += handler.wfile.write(bytes(65536)) or 0
        except OSError:
            pass
        handler.close_connection = True
        return True

    mirror.answer = pour
    assert refused(kiosk, number) == "tampered"
    assert sent[0] < 20_000_000


def test_endless_data_is_cut_off_in_metadata_too(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = office.publish()
    mirror.instead["metadata/timestamp.json"] = b" " * 200_000
    assert refused(kiosk, number) == "tampered"


def test_extraneous_dependencies_a_release_brings_nothing_that_is_not_in_its_manifest(
    kiosk: Kiosk, office: Office
) -> None:
    # The client never fetches anything a release refers to: a bundle is whole, or it is refused by itself.
    from kiosk.domain.release import BadBundle, pack, unpack

    data = json.loads(pack(1, office.now, "", FILES))
    data["files"]["theme.toml"] = ""
    with pytest.raises(BadBundle, match=r"theme\.toml"):
        unpack(json.dumps(data).encode(), 1)
    for name in ("../kiosk.toml", "/etc/taxkiosk/kiosk.toml", "kiosk.toml", "texts/../x.zh.toml", "a.py"):
        with pytest.raises(BadBundle, match="no release may hold this"):
            pack(1, office.now, "", {name: ""})


def test_mix_and_match_files_of_two_states_are_not_taken_for_one(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    office.publish()
    old = office.files()
    number = office.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    mirror.instead["metadata/3.targets.json"] = old["metadata/2.targets.json"]
    assert refused(kiosk, number) == "older"
    mirror.instead.clear()
    # The bytes of one release under the name of another.
    first, second = (path for path in sorted(office.files()) if path.startswith("targets/"))
    mirror.instead[first], mirror.instead[second] = office.files()[second], office.files()[first]
    assert refused(kiosk, number) == "tampered"


def test_fast_forward_a_stolen_online_key_cannot_keep_kiosks_away_once_it_is_exchanged(
    office: Office, mirror: Mirror, kiosk: Kiosk
) -> None:
    number = office.publish()
    repository = office.repository
    state = repository._state()
    far = {**office.files()}
    # Whoever had the key counts far ahead, and kiosks have seen it.
    for _ in range(40):
        repository._sign_online(office.now, state.targets)
    kiosk.fetch(number)
    assert kiosk.store.release_floor.metadata()["timestamp"].version > 40
    # The hall goes back to its own count under a new key, named by two of three roots.
    for path, data in far.items():
        (office.folder / path).write_bytes(data)
    draft = repository.draft_root("chen", office.now, new_online_key=True)
    repository.publish(signed(draft, "r1", "r2"), office.now)
    assert repository._state().timestamp.version < 10
    kiosk.fetch(number)
    assert kiosk.store.release_floor.metadata()["timestamp"].version < 10


def test_indefinite_freeze_an_old_state_stops_counting_by_trusted_time(
    office: Office, mirror: Mirror, kiosk: Kiosk
) -> None:
    number = office.publish()
    mirror.frozen = office.files()
    kiosk.fetch(number)
    office.move(hours=office.lengths.timestamp_hours + 1)
    assert refused(kiosk, number) == "expired"
    mirror.frozen = None
    kiosk.fetch(number)


def test_a_malicious_mirror_can_refuse_but_not_persuade(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = office.publish()

    def refuse(path: str, handler: http.server.BaseHTTPRequestHandler) -> bool:
        handler.send_response(500)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    mirror.answer = refuse
    with pytest.raises(Unreachable):
        kiosk.fetch(number)
    report = kiosk.taker.consider(number)
    assert report.state is Slot.SHIPPED
    assert report.problem.startswith("unreachable")
    # As soon as it lets things through again the kiosk takes it: nothing was spoilt by the attempt.
    mirror.answer = None
    assert kiosk.taker.consider(number).problem == "waiting"


def test_key_compromise_below_the_threshold_makes_no_release(office: Office, kiosk: Kiosk) -> None:
    draft = office.repository.draft_release(FILES, _audience(), "one alone", "eve", office.now)
    signed(draft, "o1")
    with pytest.raises(ValueError, match="1 more must sign"):
        office.repository.publish(draft, office.now)
    # A hall that publishes it all the same finds no kiosk that takes it.
    from tuf.api.metadata import Targets

    from hall.fleet.releases import _metadata

    targets = _metadata(draft.targets, Targets)
    (office.metadata / "2.targets.json").write_text(draft.targets)
    office.repository._sign_online(office.now, targets.signed)
    assert refused(kiosk, 1) == "unsigned"


def test_mixed_keys_one_officer_signing_twice_is_one_and_a_root_key_is_no_officers(office: Office) -> None:
    draft = office.repository.draft_release(FILES, _audience(), "", "eve", office.now)
    signed(draft, "o1", "o1")
    with pytest.raises(ValueError, match="signs nothing"):
        signed(draft, "r1")
    with pytest.raises(ValueError, match="1 more must sign"):
        office.repository.publish(draft, office.now)


def test_an_officer_whose_key_was_taken_back_counts_no_more(office: Office, kiosk: Kiosk) -> None:
    draft = office.repository.draft_root("chen", office.now, officers=public("o2", "o3", "o4"))
    office.repository.publish(signed(draft, "r1", "r2", "o2", "o3"), office.now)
    release = office.repository.draft_release(FILES, _audience(), "", "chen", office.now)
    with pytest.raises(ValueError, match="signs nothing"):
        signed(release, "o1")
    office.repository.publish(signed(release, "o3", "o4"), office.now)
    kiosk.fetch(release.number)


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_rollback_of_metadata_is_refused(role: str, office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    first = office.publish()
    old = office.files()
    second = office.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    kiosk.fetch(second)
    match role:
        case "timestamp":
            mirror.instead["metadata/timestamp.json"] = old["metadata/timestamp.json"]
        case "snapshot":
            # The online key stolen: a fresh timestamp over the old snapshot.
            _stamp_anew(office, snapshot=2)
        case "targets":
            _stamp_anew(office, targets=2)
    assert refused(kiosk, first) == "older"


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets"])
def test_rollback_is_refused_also_when_the_client_has_lost_its_memory(
    role: str, office: Office, mirror: Mirror, kiosk: Kiosk
) -> None:
    """What python-tuf keeps is not flushed: in 179 of 200 power cuts it was gone. The floor is in the store."""
    first = office.publish()
    old = office.files()
    kiosk.fetch(office.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"}))
    kiosk.lose_metadata()
    match role:
        case "timestamp":
            mirror.instead["metadata/timestamp.json"] = old["metadata/timestamp.json"]
        case "snapshot":
            _stamp_anew(office, snapshot=2)
        case "targets":
            _stamp_anew(office, targets=2)
    assert refused(kiosk, first) == "older"
    # And stays so, though the old files lie on the disk now.
    assert refused(kiosk, first) == "older"


def _stamp_anew(office: Office, snapshot: int = 0, targets: int = 0) -> None:
    """As somebody with the hall's online key would: a newer timestamp over older files."""
    from tuf.api.metadata import Metadata, Snapshot, Targets

    if targets:
        old: Metadata[Targets] = Metadata.from_bytes((office.metadata / f"{targets}.targets.json").read_bytes())
        office.repository._sign_online(office.now, old.signed)
    if snapshot:
        made: Metadata[Snapshot] = Metadata.from_bytes((office.metadata / f"{snapshot}.snapshot.json").read_bytes())
        office.repository._sign_online(office.now, office.repository._state().targets, made.signed)


def test_slow_retrieval_is_given_up(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    number = office.publish()
    kiosk.file_s = 0.5

    def trickle(path: str, handler: http.server.BaseHTTPRequestHandler) -> bool:
        if not path.startswith("targets/"):
            return False
        data = mirror.file(path) or b""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            for byte in data:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.1)
        except OSError:
            pass
        return True

    mirror.answer = trickle
    began = time.monotonic()
    with pytest.raises(Unreachable):
        kiosk.fetch(number)
    assert time.monotonic() - began < 5


def test_a_silent_mirror_is_given_up(office: Office, kiosk: Kiosk) -> None:
    number = office.publish()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        deaf = Kiosk(kiosk.folder / "deaf", office, f"http://127.0.0.1:{silent.getsockname()[1]}", file_s=0.3)
        began = time.monotonic()
        with pytest.raises(Unreachable):
            deaf.fetch(number)
        assert time.monotonic() - began < 5
        deaf.close()


def test_wrong_software_installation_a_release_for_others_is_not_taken(office: Office, kiosk: Kiosk) -> None:
    assert refused(kiosk, office.publish(kiosks=("K2", "K3"))) == "audience"
    assert refused(kiosk, office.publish(hall="zz-xiangcheng")) == "audience"
    kiosk.fetch(office.publish(kiosks=("K1",)))


def test_a_number_that_was_never_signed_is_not_taken(office: Office, kiosk: Kiosk) -> None:
    office.publish()
    assert refused(kiosk, 7) == "unknown"


# ---- root and time -------------------------------------------------------------------------------------------------


def test_a_new_root_needs_two_of_the_old_three_and_kiosks_follow_it(office: Office, kiosk: Kiosk) -> None:
    kiosk.fetch(office.publish())
    repository = office.repository
    draft = repository.draft_root("chen", office.now, roots=public("r2", "r3", "r4"))
    # One of the old ones and one new one are two, and still one too few of the old.
    with pytest.raises(ValueError, match="1 more must sign"):
        repository.publish(signed(draft, "r2", "r4"), office.now)
    repository.publish(signed(draft, "r3"), office.now)
    kiosk.fetch(office.publish())
    assert kiosk.store.release_floor.metadata()["root"].version == 2


def test_a_root_that_was_held_back_is_missed(office: Office, mirror: Mirror, kiosk: Kiosk) -> None:
    """After the officers were exchanged, nobody may show this kiosk the state before it."""
    number = office.publish()
    mirror.frozen = office.files()
    draft = office.repository.draft_root("chen", office.now, officers=public("o2", "o3", "o4"))
    office.repository.publish(signed(draft, "r1", "r2", "o2", "o3"), office.now)
    frozen, mirror.frozen = mirror.frozen, None
    kiosk.fetch(number)
    mirror.frozen = frozen
    kiosk.lose_metadata()
    assert refused(kiosk, number) == "older"


def test_a_clock_set_back_400_days_does_not_bring_an_old_release_back(
    office: Office, mirror: Mirror, kiosk: Kiosk
) -> None:
    first = office.publish()
    mirror.frozen = office.files()
    office.move(days=400)
    second = office.publish({"settings.toml": "[limits]\nidle_s = 62.0\n"})
    frozen, mirror.frozen = mirror.frozen, None
    kiosk.fetch(second)
    # The wall clock says BEGAN again; the kiosk goes by trusted time, and by what it has seen.
    kiosk.lose_metadata()
    mirror.frozen = frozen
    assert refused(kiosk, first) == "expired"
    kiosk.now = lambda: BEGAN
    assert refused(kiosk, first) == "older"


def test_a_clock_ahead_stops_nothing(office: Office, mirror: Mirror, tmp_path: object, kiosk: Kiosk) -> None:
    """The wall clock shows 2099 at the start; the hall has said what time it is."""
    from kiosk.runtime.trusted_clock import TrustedClock
    from kiosk.store.trusted_time import TrustedTime

    class Ahead:
        def now(self):  # type: ignore[no-untyped-def]
            return BEGAN + timedelta(days=365 * 73)

        def monotonic(self) -> float:
            return time.monotonic()

    kiosk.store.keep_trusted_time(TrustedTime(BEGAN, BEGAN))
    clock = TrustedClock(Ahead())
    clock.trust(kiosk.store)
    kiosk.now = clock.now
    kiosk.fetch(office.publish())


def test_what_is_overridden_in_python_tuf_is_still_what_it_calls(office: Office, kiosk: Kiosk) -> None:
    """Its private parts: an update of the library must not quietly take the floor away."""
    from unittest import mock

    from kiosk.configuration import durable

    number = office.publish()
    with mock.patch.object(durable, "replace", wraps=durable.replace) as written:
        kiosk.fetch(number)
    names = {call.args[0].name for call in written.call_args_list}
    assert names == {"1.root.json", "timestamp.json", "snapshot.json", "targets.json"}
