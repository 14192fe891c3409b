"""Settings: from pyproject.toml, then the environment; a wrong one is refused by name."""

from pathlib import Path

import pytest

from madang.errors import DeclarationError, InputError, WarehouseError
from madang.models.catalogue import Catalogue
from madang.settings import BigQueryAddress, Settings
from madang.warehouse import open_warehouse

WRONG = {
    'timezone = "Asia/Seol"': "timezone: no time zone is called 'Asia/Seol'. Correct it there",
    "frist_day = 2016-01-01": "frist_day: Extra inputs are not permitted. Correct it there",
    "daily_cap_usd = -1": "daily_cap_usd: Input should be greater than or equal to 0",
    '[tool.madang.models.local]\nlane = "cloud"': "models.local: Input tag 'cloud'",
    '[tool.madang.models.a]\nlane = "online"\nidentity = "x"\nfactory = "os.system"': (
        "models.a.online.factory: String should match"
    ),
}  # fmt: skip


def load(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Settings:
    (folder / "madang.toml").write_text(text)
    monkeypatch.setenv("MADANG_PROJECT", str(folder))
    monkeypatch.setenv("MADANG_CONFIG", str(folder / "madang.toml"))
    monkeypatch.delenv("MADANG_HOME", raising=False)
    monkeypatch.delenv("MADANG_LOCAL_MODEL", raising=False)
    return Settings.load()


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_setting_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    with pytest.raises(InputError) as error:
        load(tmp_path, monkeypatch, f"[tool.madang]\n{text}\n")

    assert f"{tmp_path}/madang.toml [tool.madang]: {WRONG[text]}" in str(error.value)


def test_broken_toml_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"madang\.toml: not valid TOML"):
        load(tmp_path, monkeypatch, "[tool.madang")


def test_without_settings_the_state_lies_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(tmp_path, monkeypatch, "")

    assert (settings.home, settings.timezone) == (tmp_path.resolve() / ".madang", "Asia/Seoul")


def test_a_warehouse_outside_of_the_home_is_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, inside, outside = (
        load(tmp_path, monkeypatch, f"[tool.madang]\n{line}\n")
        for line in ("", 'warehouse = ".madang/rows"', 'warehouse = "rows"')
    )

    assert [settings.is_warehouse_shared for settings in (own, inside, outside)] == [False, False, True]
    assert own.warehouse_folder == tmp_path.resolve() / ".madang" / "warehouse"
    assert outside.warehouse_folder == tmp_path.resolve() / "rows"


def test_a_warehouse_in_bigquery_is_shared_and_gets_masked_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[tool.madang]\nwarehouse = "bigquery:town-data.madang"\n[tool.madang.bigquery]\nlocation = "EU"'
    remote, own = load(tmp_path, monkeypatch, text), load(tmp_path, monkeypatch, "")
    monkeypatch.setenv("MADANG_WAREHOUSE", "bigquery:other-data.madang")
    moved = Settings.load()

    assert remote.warehouse == BigQueryAddress(project="town-data", dataset="madang")
    assert (remote.bigquery.location, remote.is_warehouse_shared, remote.is_raw_text_masked) == ("EU", True, True)
    assert (own.is_warehouse_shared, own.is_raw_text_masked) == (False, False)
    assert moved.warehouse == BigQueryAddress(project="other-data", dataset="madang")


def test_an_address_in_bigquery_without_a_dataset_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"warehouse: 'bigquery:town' is not bigquery:project\.dataset"):
        load(tmp_path, monkeypatch, '[tool.madang]\nwarehouse = "bigquery:town"')


def test_the_warehouse_of_another_home_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "claims.sqlite").touch()
    settings = load(tmp_path, monkeypatch, '[tool.madang]\nwarehouse = "other/warehouse"\n')

    with pytest.raises(WarehouseError, match=r"it belongs to the home .*/other alone, whose runs would not see ours\. "
                       "Name a folder outside of every home"):  # fmt: skip
        open_warehouse(settings)


def test_the_environment_moves_state_and_local_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path, monkeypatch, '[tool.madang]\nhome = "here"\n')
    monkeypatch.setenv("MADANG_HOME", str(tmp_path / "there"))
    monkeypatch.setenv("MADANG_LOCAL_MODEL", "/models/big.gguf")

    settings = Settings.load()

    assert settings.home == tmp_path.resolve() / "there"
    assert settings.models["local"].model_dump()["file"] == "/models/big.gguf"


def test_an_unknown_model_is_refused_with_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalogue(load(tmp_path, monkeypatch, ""))

    with pytest.raises(DeclarationError, match=r"no model is called 'loacl' \(there are: local\)\. Correct `use`"):
        catalogue.identity("loacl")


def test_the_packaged_model_is_known_by_its_hash_without_being_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue(load(tmp_path, monkeypatch, ""))

    assert catalogue.identity("local") == "local:a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
