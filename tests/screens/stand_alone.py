"""A front end without a kiosk behind it: shows the home page, or the sample that is named, and prints what is posted.

For test_process.py and test_lockdown.py: ``python -m tests.screens.stand_alone TARGETS_FILE [SAMPLE]``.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from tests.screens import window


def main() -> None:
    look = window.look_of("portrait")

    import config
    from kiosk.domain.texts import Texts
    from kiosk.runtime.clock import SystemClock
    from kiosk.runtime.inbox import Inbox
    from kiosk.session.state import Language, Shown
    from screens.app import KioskApp
    from tests.screens import samples

    inbox, clock = Inbox(), SystemClock()
    app = KioskApp(
        inbox=inbox,
        texts={language: Texts(config.read_texts(language)) for language in Language},
        catalogue=samples.CATALOGUE,
        hall_names={Language.ZH: "芗城办税服务厅", Language.EN: "Xiangcheng Tax Hall"},
        kiosk="K3",
        look=look,
        clock=clock,
        targets_file=Path(sys.argv[1]),
    )

    def tell() -> None:
        while (event := inbox.take(None)) is not None:
            sys.stdout.write(f"{event}\n")
            sys.stdout.flush()

    threading.Thread(target=tell, daemon=True).start()
    app.show(Shown(samples.SESSIONS[sys.argv[2] if len(sys.argv) > 2 else "home"], None, clock.now()))
    app.run()
    sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
