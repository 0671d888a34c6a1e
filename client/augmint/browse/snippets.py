"""Lines that make samples again elsewhere: Python, the `augmint` command, grpcurl. Nothing secret stands in them."""

from __future__ import annotations

import json
import shlex
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from augmint import kinds
from augmint.address import Address
from augmint.generators import Description
from augmint.wire.channel import Channel, Tls

_WIDTH = 100


@dataclass(frozen=True)
class Wanted:
    """Samples in the order of their classes, each class `each` times.

    labels: None for every class of the generator, in its order.
    """

    description: Description
    labels: Sequence[str] | None
    each: int
    seed: int
    start: int
    truncation: float
    keep: int
    of: int


@dataclass(frozen=True)
class Reach:
    """How whoever reads the page gets at the service: target, and which of TLS and a token it wants."""

    target: str
    tls: bool
    authority: bool
    certificate: bool
    server_name: str | None
    token: bool

    @classmethod
    def of(cls, channel: Channel) -> Reach:
        """As this page does; files are named as readers may call theirs."""
        tls = channel.tls if isinstance(channel.tls, Tls) else Tls()
        return cls(
            target=channel.target,
            tls=channel.secure,
            authority=tls.ca is not None,
            certificate=tls.certificate is not None,
            server_name=tls.server_name,
            token=channel.token is not None,
        )

    @property
    def python(self) -> list[str]:
        """Arguments of `augmint.Client`."""
        found = [_text(self.target)]
        parts = [
            *(['ca="ca.pem"'] if self.authority else []),
            *(['certificate="me.pem"', 'key="me.key"'] if self.certificate else []),
            *([f"server_name={_text(self.server_name)}"] if self.server_name else []),
        ]
        if self.tls:
            found.append(f"tls=augmint.Tls({', '.join(parts)})" if parts else "tls=True")
        elif self.token:
            found.append("tls=False")
        return [*found, *(['token=Path("token")'] if self.token else [])]

    @property
    def command(self) -> list[str]:
        """Options of the command."""
        found = ["--target", self.target]
        if self.tls:
            found += ["--tls"]
        found += ["--ca", "ca.pem"] if self.authority else []
        found += ["--certificate", "me.pem", "--key", "me.key"] if self.certificate else []
        found += ["--server-name", self.server_name] if self.server_name else []
        found += ["--token-file", "token"] if self.token else []
        return found + (["--plain"] if self.token and not self.tls else [])

    @property
    def grpcurl(self) -> list[str]:
        """Options of grpcurl, which finds the call by the service's reflection."""
        found = [] if self.tls else ["-plaintext"]
        found += ["-cacert", "ca.pem"] if self.authority else []
        found += ["-cert", "me.pem", "-key", "me.key"] if self.certificate else []
        return found + (["-authority", self.server_name] if self.server_name else [])


def python(reach: Reach, wanted: Wanted) -> str:
    """A program that has the samples in `samples`."""
    description, labels = wanted.description, wanted.labels
    if labels is not None and len(labels) == 1:
        asked = [_text(labels[0]), str(wanted.each)]
    elif labels is None:
        asked = [f"classes=[index for index in range({len(description.labels)}) for _ in range({wanted.each})]"]
    else:
        asked = [f"classes=[label for label in [{', '.join(map(_text, labels))}] for _ in range({wanted.each})]"]
    asked += [f"seed={wanted.seed}"]
    asked += [f"start_index={wanted.start}"] if wanted.start else []
    asked += [f"truncation={wanted.truncation!r}"] if wanted.truncation != 1.0 else []
    asked += [f"keep={wanted.keep}", f"of={wanted.of}"] if wanted.of else []
    asked += [f"generator={_text(description.name)}", f"version={description.version}"]
    asked += [f"digest={_text(description.digest)}"]
    return _program(reach, "generate", asked)


def replay(reach: Reach, address: Address) -> str:
    """A program that makes the samples of an address."""
    return _program(reach, "replay", [_text(str(address))])


def command(reach: Reach, wanted: Wanted) -> str:
    """What to type into a shell; it writes a file, or prints what can be read."""
    description = wanted.description
    kind = kinds.of(description)
    words = ["augmint", "generate", *reach.command, "--generator", description.name]
    words += ["--version", str(description.version)]
    for label in wanted.labels or ():
        words += [f"--label={label}"] if label.startswith("-") else ["--label", label]
    words += ["-n", str(wanted.each), "--seed", str(wanted.seed)]
    words += ["--start-index", str(wanted.start)] if wanted.start else []
    words += ["--truncation", repr(wanted.truncation)] if wanted.truncation != 1.0 else []
    words += ["--keep", str(wanted.keep), "--of", str(wanted.of)] if wanted.of else []
    one = wanted.each == 1 and len(wanted.labels or description.labels) == 1
    if kind.pictures:
        words += ["--out", "samples.png"]
    elif kind.media is not None:
        words += ["--out", f"sample.{kind.suffix}" if one else "samples"]
    elif kind.cells is None:
        words += ["--out", "samples.npz"]
    return _wrapped([_shell(word) for word in words])


def grpcurl(reach: Reach, wanted: Wanted) -> str:
    """The call itself, for a shell; an array comes back as base64."""
    description = wanted.description
    request: dict[str, Any] = {
        "generator": description.name,
        "version": description.version,
        "digest": description.digest,
    }
    if wanted.labels is not None and len(wanted.labels) == 1:
        request |= {"label": wanted.labels[0], "n": wanted.each}
    else:
        classes = [description.class_index(label) for label in wanted.labels or description.labels]
        request["classIndices"] = [index for index in classes for _ in range(wanted.each)]
    # 64 bits as text, as JSON has them.
    request["seed"] = str(wanted.seed)
    request |= {"startIndex": str(wanted.start)} if wanted.start else {}
    request |= {"truncation": wanted.truncation} if wanted.truncation != 1.0 else {}
    request |= {"keep": wanted.keep, "of": wanted.of} if wanted.of else {}
    words = ["grpcurl", *map(_shell, reach.grpcurl)]
    words += ["-H", '"authorization: Bearer $(cat token)"'] if reach.token else []
    words += ["-d", _shell(json.dumps(request))]
    return _wrapped([*words, _shell(reach.target), "augmint.v1.GeneratorService/Generate"])


def _program(reach: Reach, method: str, asked: list[str]) -> str:
    head = ["from pathlib import Path", "", "import augmint"] if reach.token else ["import augmint"]
    call = f"    samples = client.{method}({', '.join(asked)})"
    if len(call) > _WIDTH:
        call = "\n".join([f"    samples = client.{method}(", *(f"        {one}," for one in asked), "    )"])
    return "\n".join([*head, "", f"with augmint.Client({', '.join(reach.python)}) as client:", call, ""])


def _text(text: str) -> str:
    """As Python writes it; what cannot be seen, or turns the line around, escaped."""
    return ascii(text) if _odd(text) else json.dumps(text, ensure_ascii=False)


def _shell(word: str) -> str:
    """A word for a shell; what cannot be seen, or turns the line around, as bash escapes it."""
    if not _odd(word):
        return shlex.quote(word)
    return "$'" + "".join(_escaped(one) for one in word) + "'"


def _escaped(one: str) -> str:
    if one in "'\\":
        return f"\\{one}"
    return one if not _odd(one) else f"\\U{ord(one):08x}" if ord(one) > 0xFFFF else f"\\u{ord(one):04x}"


def _odd(text: str) -> bool:
    """Whether it has control or format characters, other blanks than the plain one, or what is no character."""
    return any(unicodedata.category(one)[0] in "CZ" and one != " " for one in text)


def _wrapped(words: Sequence[str]) -> str:
    """Over several lines of a shell, options with what belongs to them."""
    lines, line = [], ""
    for number, word in enumerate(words):
        opens = word.startswith("-") and number > 0
        if line and opens and len(line) + len(word) > _WIDTH - 20:
            lines.append(line + " \\")
            line = f"    {word}"
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])
