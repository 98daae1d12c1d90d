"""`trireme campaign`: the buttons of a campaign."""

# ruff: noqa: PLC0415
from typing import Annotated

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, AsJson, DataDir, cli, leave

campaign_cli = typer.Typer(help="Start, pause, resume or stop a campaign of any account, and see how far it is.")
cli.add_typer(campaign_cli, name="campaign")
CampaignUid = Annotated[str, typer.Argument(metavar="UID", help="The campaign.")]


@campaign_cli.command("start")
def campaign_start(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR, *, as_json: AsJson = False) -> None:
    """Start a campaign, now or at the time it carries."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "start", uid, as_json=as_json))


@campaign_cli.command("pause")
def campaign_pause(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR, *, as_json: AsJson = False) -> None:
    """Pause a campaign: when this returns, nothing of it leaves any more."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "pause", uid, as_json=as_json))


@campaign_cli.command("resume")
def campaign_resume(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR, *, as_json: AsJson = False) -> None:
    """Go on with a paused or failed campaign."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "resume", uid, as_json=as_json))


@campaign_cli.command("stop")
def campaign_stop(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR, *, as_json: AsJson = False) -> None:
    """Stop a campaign for good."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "stop", uid, as_json=as_json))


@campaign_cli.command("status")
def campaign_status(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR, *, as_json: AsJson = False) -> None:
    """Print state and progress, one name=value a line."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "status", uid, as_json=as_json))


@campaign_cli.command("send")
def campaign_send(
    uid: CampaignUid,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    *,
    seconds: Annotated[float, typer.Option(min=0, max=86400, help="How long to wait for its end.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Start a campaign and, if asked to, wait for its end; exits 1 when it has not ended in time."""
    from app.cli import campaign

    leave(campaign.send(data_dir, uid, seconds=seconds, as_json=as_json))
