"""TLS between kiosk and hall, over a real server: whom a kiosk takes for its hall, and what it says to nobody else."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from benchmarks.hall_load import PASSWORD, SigningKiosk, new_ticket_request
from demo.hall_server import HallServer, command
from hall.settings import Tls
from hall.tls import BadCertificate, self_signed, server_context
from kiosk.domain.day import HALL_ZONE
from kiosk.sync.hall_client import HallClient, HallUnreachable
from kiosk.sync.hall_tls import BadPin
from kiosk.sync.signing import Signer

NOW = datetime.now(HALL_ZONE)


class SecureHall(HallServer):
    """Serves with the certificate that ``taxhall tls self-signed`` has made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "hall")
        made = subprocess.run(
            [*command("taxhall", "tls", "self-signed", "127.0.0.1", "localhost"), "--folder", str(folder), "--json"],
            capture_output=True,
            check=True,
        )
        self.told = json.loads(made.stdout)
        self.certificate, self.key = Path(self.told["certificate"]), Path(self.told["key"])

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def words(self) -> list[str]:
        return ["serve", "--tls-cert", str(self.certificate), "--tls-key", str(self.key)]


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureHall]:
    made = SecureHall(tmp_path_factory.mktemp("tls"))
    made.start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="module")
def kiosk(hall: SecureHall) -> SigningKiosk:
    """Enrolled over TLS, by a kiosk's own client."""
    made = SigningKiosk("K1")
    client = HallClient(hall.url, hall_ca=hall.certificate)
    client.enrol(hall.command("enrol", "K1")["code"], bytes.fromhex(made.public_key), 10)
    client.close()
    return made


def client_of(kiosk: SigningKiosk, url: str, ca: Path | None) -> HallClient:
    return HallClient(url, Signer(kiosk.id, kiosk.key.private_bytes_raw()), hall_ca=ca)


def speak(hall: SecureHall, context: ssl.SSLContext) -> str | None:
    """The TLS version that both agree on."""
    plain = socket.create_connection(("127.0.0.1", hall.port), 10)
    with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as line:
        return line.version()


def test_a_kiosk_takes_a_number_from_the_hall_whose_certificate_it_has(hall: SecureHall, kiosk: SigningKiosk) -> None:
    client = client_of(kiosk, hall.url, hall.certificate)
    assert client.ask_ticket(new_ticket_request(), 10).state == "waiting"
    client.close()


def test_a_certificate_of_somebody_else_is_not_the_halls(hall: SecureHall, kiosk: SigningKiosk, tmp_path: Path) -> None:
    other = self_signed(tmp_path, ["127.0.0.1", "localhost"], 30, NOW)
    client = client_of(kiosk, hall.url, Path(other.certificate))
    with pytest.raises(HallUnreachable):
        client.ask_ticket(new_ticket_request(), 10)
    client.close()


def test_without_a_pin_a_certificate_that_vouches_for_itself_is_nobodys(hall: SecureHall, kiosk: SigningKiosk) -> None:
    client = client_of(kiosk, hall.url, None)
    with pytest.raises(HallUnreachable):
        client.ask_ticket(new_ticket_request(), 10)
    client.close()


def test_the_right_certificate_under_another_name_is_refused(hall: SecureHall, kiosk: SigningKiosk) -> None:
    client = client_of(kiosk, hall.url.replace("127.0.0.1", "127.0.0.3"), hall.certificate)
    with pytest.raises(HallUnreachable):
        client.ask_ticket(new_ticket_request(), 10)
    client.close()


@pytest.mark.parametrize("days", [-400, 400])
def test_a_pinned_certificate_counts_whatever_day_the_clock_shows(days: int, tmp_path: Path) -> None:
    """A kiosk that is 400 days off learns the time from its hall, so it must be able to reach it."""
    made = self_signed(tmp_path, ["127.0.0.1"], 30, NOW + timedelta(days=days))
    with plain_server(server_context(Tls(made.certificate, made.key))) as port:
        client = HallClient(f"https://127.0.0.1:{port}", hall_ca=Path(made.certificate))
        assert client.state(5).hall == "x"
        client.close()


def test_nothing_is_said_in_the_clear_where_a_certificate_is_set(hall: SecureHall, kiosk: SigningKiosk) -> None:
    with pytest.raises(BadPin):
        client_of(kiosk, f"http://127.0.0.1:{hall.port}", hall.certificate)


def test_the_hall_answers_nobody_in_the_clear(hall: SecureHall) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", hall.port, timeout=10)
    connection.request("GET", "/public/state")
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_an_answer_in_the_clear_that_leads_elsewhere_leads_nowhere(kiosk: SigningKiosk) -> None:
    with plain_server(None) as port:
        client = HallClient(f"https://127.0.0.1:{port}")
        with pytest.raises(HallUnreachable):
            client.state(5)
        client.close()


def test_tls_is_new_enough(hall: SecureHall) -> None:
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.load_verify_locations(hall.certificate)
    assert speak(hall, trusting) == "TLSv1.3"
    trusting.maximum_version = ssl.TLSVersion.TLSv1_2
    assert speak(hall, trusting) == "TLSv1.2"
    trusting.set_ciphers("AES256-SHA:AES256-GCM-SHA384:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        speak(hall, trusting)


def test_a_handshake_that_is_never_ended_is_cut_off(hall: SecureHall) -> None:
    line = socket.create_connection(("127.0.0.1", hall.port), 30)
    line.sendall(b"\x16\x03\x01")
    line.settimeout(30)
    assert line.recv(100) == b""
    line.close()


def test_under_tls_cookies_stay_under_tls_and_browsers_remember_to_ask_for_it(hall: SecureHall) -> None:
    hall.command("staff", "add", "经理", "--role", "manager", typed=f"{PASSWORD}\n")
    context = ssl.create_default_context(cafile=str(hall.certificate))
    connection = http.client.HTTPSConnection("127.0.0.1", hall.port, timeout=20, context=context)
    form = urlencode({"name": "经理", "password": PASSWORD})
    connection.request("POST", "/staff/login", form, {"content-type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    answer.read()
    cookie = answer.getheader("set-cookie", "")
    assert answer.status == 303
    assert cookie.startswith("__Host-hall_session=")
    assert {"HttpOnly", "SameSite=strict", "Secure", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    assert answer.getheader("strict-transport-security", "").startswith("max-age=")
    token = cookie.split(";")[0]
    connection.request("GET", "/staff", headers={"cookie": token})
    assert connection.getresponse().status == 200
    connection.close()


def test_the_fingerprint_that_is_told_is_the_certificates(hall: SecureHall) -> None:
    der = ssl.PEM_cert_to_DER_cert(hall.certificate.read_text())
    assert hall.told["fingerprint"].replace(":", "").lower() == hashlib.sha256(der).hexdigest()
    assert (os.stat(hall.key).st_mode & 0o777) == 0o600


def test_a_key_is_never_overwritten(hall: SecureHall) -> None:
    with pytest.raises(FileExistsError):
        self_signed(hall.key.parent, ["x"], 1, NOW)


@pytest.mark.parametrize("tls", [Tls("hall.crt", ""), Tls("", "hall.key"), Tls("/none", "/none")])
def test_half_a_certificate_is_refused_before_anything_is_served(tls: Tls) -> None:
    with pytest.raises(BadCertificate):
        server_context(tls)


@contextmanager
def plain_server(context: ssl.SSLContext | None) -> Iterator[int]:
    """Answers every request with a hall's public state, under this context or in the clear."""
    state = (
        b'{"hall":"x","name_zh":"","name_en":"","day":"","waiting":0,"windows_open":0,"wait":null,"calls":[],'
        b'"version":1}'
    )

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(state), state))
        await writer.drain()
        writer.close()

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(answer, "127.0.0.1", 0, ssl=context))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
