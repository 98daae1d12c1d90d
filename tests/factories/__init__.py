"""Things a test needs to exist. `await make.account(...)`; one file per table group."""

from sqlalchemy.ext.asyncio import AsyncEngine

from app.settings import Settings
from tests.factories.accounts import AccountFactory, MadeAccount
from tests.factories.audiences import AudienceFactory
from tests.factories.campaigns import CampaignFactory
from tests.factories.history import HistoryFactory
from tests.factories.transactional import TransactionalFactory

__all__ = ["Factories", "MadeAccount"]


class Factories(AccountFactory, AudienceFactory, CampaignFactory, HistoryFactory, TransactionalFactory):
    """All factories over one database; whatever they return is committed."""

    def __init__(self, engine: AsyncEngine, settings: Settings) -> None:
        AccountFactory.__init__(self, engine, settings)
        AudienceFactory.__init__(self, engine)
        CampaignFactory.__init__(self, engine)
        HistoryFactory.__init__(self, engine)
        TransactionalFactory.__init__(self, engine)
