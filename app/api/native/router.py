"""The route table of the native API: everything below `/api/trireme/v1`."""

from fastapi import APIRouter

from app.api.native import (
    account,
    accounts,
    api_keys,
    audience_fields,
    audiences,
    audit_log,
    automations,
    bulk,
    campaigns,
    contact_actions,
    contacts,
    events,
    exports,
    imports,
    inbound,
    jobs,
    messages,
    metrics,
    operation,
    postback_deliveries,
    sandbox,
    segments,
    senders,
    suppressions,
    system,
    templates,
    transactional_messages,
    webhooks,
    why,
)

PREFIX = "/api/trireme/v1"

router = APIRouter(prefix=PREFIX, redirect_slashes=False)
router.include_router(jobs.router)
router.include_router(imports.router)
router.include_router(exports.router)
router.include_router(bulk.router)
router.include_router(system.router)
router.include_router(operation.router)
router.include_router(account.router)
router.include_router(accounts.router)
router.include_router(api_keys.router)
router.include_router(audit_log.router)
router.include_router(sandbox.router)
router.include_router(events.router)
router.include_router(inbound.router)
router.include_router(messages.router)
router.include_router(metrics.router)
router.include_router(why.router)
router.include_router(senders.router)
router.include_router(suppressions.router)
router.include_router(postback_deliveries.router)
router.include_router(templates.router)
router.include_router(campaigns.router)
router.include_router(transactional_messages.router)
router.include_router(audiences.router)
router.include_router(audience_fields.router)
router.include_router(contacts.router)
router.include_router(contacts.everywhere)
router.include_router(contact_actions.router)
router.include_router(segments.router)
router.include_router(automations.router)
router.include_router(webhooks.router)
