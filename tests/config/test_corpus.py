"""Configurations of real projects, loaded by stock Supervisor and by us to the same model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import requirements
from tests.config.likestock import LikeStockCase

DIRECTORIES = (
    "/etc/supervisor/conf.d",
    "/var/log/supervisor",
    "/var/log/supervisord",
    "/var/log/mail",
    "/var/run/supervisord",
    "/var/www/storage/logs",
)
USERS = ("fetchmail", "_mta-sts", "laradock")
VARIABLES = {
    "POSTGREY_DELAY": "300",
    "POSTGREY_MAX_AGE": "35",
    "POSTGREY_AUTO_WHITELIST_CLIENTS": "5",
    "POSTGREY_TEXT": "Delayed by Postgrey",
    "FETCHMAIL_POLL": "300",
    "SASLAUTHD_MECH_OPTIONS": "mail.example.test",
}

#: Files that are no configurations of their own, by the one that includes them. The names are those
#: of the corpus, where ``~`` stands for ``/``.
FRAGMENTS = {
    "docker-mailserver/target~supervisor~conf.d~dms-services.conf": (
        "docker-mailserver/target~supervisor~supervisord.conf"
    ),
    "docker-mailserver/target~supervisor~conf.d~saslauth.conf": (
        "docker-mailserver/target~supervisor~supervisord.conf"
    ),
    "laradock/laravel-horizon~supervisord.d~laravel-horizon.conf.example": (
        "laradock/laravel-horizon~supervisord.conf"
    ),
    "laradock/php-worker~supervisord.d~laravel-scheduler.conf.example": (
        "laradock/php-worker~supervisord.conf"
    ),
    "laradock/php-worker~supervisord.d~laravel-worker.conf.example": (
        "laradock/php-worker~supervisord.conf"
    ),
    "sonic-buildimage/dockers~docker-ptf~conf.d~supervisord.conf": (
        "sonic-buildimage/dockers~docker-ptf~supervisord.conf"
    ),
}

#: SONiC's images put the files of their services into the directory that this one includes.
BASE = "sonic-buildimage/dockers~docker-base-bookworm~etc~supervisor~supervisord.conf"


class CorpusTests(LikeStockCase):
    """Each whole file of the corpus, with the files that belong to it."""

    corpus: Path

    def setUp(self) -> None:
        self.corpus = requirements.corpus()
        requirements.stock("python")
        requirements.root()

    def names(self) -> list[str]:
        return sorted(
            str(file.relative_to(self.corpus)) for file in self.corpus.rglob("*") if file.is_file()
        )

    def load(self, main: str, fragments: list[str]) -> dict[str, Any]:
        """Compare the models of a file, put where its project puts it, with the files it takes."""
        include = "supervisord.d" if main.startswith("laradock/") else "conf.d"
        files = {"/etc/supervisor/supervisord.conf": self.text(main)}
        for fragment in fragments:
            name = fragment.rpartition("~")[2].removesuffix(".example")
            files[f"/etc/supervisor/{include}/{name}"] = self.text(fragment)
        return self.compare_staged(
            main,
            "/etc/supervisor/supervisord.conf",
            files=files,
            directories=DIRECTORIES,
            users=USERS,
            variables=VARIABLES,
        )

    def text(self, name: str) -> str:
        return (self.corpus / name).read_text(encoding="utf-8")

    def test_all(self) -> None:
        """Whatever is a whole configuration loads to the same names, groups and options."""
        mains = [name for name in self.names() if name not in FRAGMENTS]
        self.assertGreater(len(mains), 10)
        for main in mains:
            fragments = [name for name, whole in FRAGMENTS.items() if whole == main]
            model = self.load(main, fragments)
            self.assertEqual(len(model["infos"]), len(fragments), main)

    def test_included_services(self) -> None:
        """SONiC's services load to the same model also through the file of their base image."""
        services = [
            name
            for name in self.names()
            if name.startswith(BASE.partition("/")[0])
            and name not in FRAGMENTS
            and name != BASE
            and "docker-ptf" not in name
        ]
        self.assertGreater(len(services), 5)
        for service in services:
            self.load(BASE, [service])

    def test_fragments(self) -> None:
        """The list of fragments is about files that are there."""
        self.assertLessEqual(set(FRAGMENTS), set(self.names()))
