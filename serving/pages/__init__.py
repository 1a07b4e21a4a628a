"""Pages, feeds, charts and badges. What a later source shows is one more router here."""

from fastapi import APIRouter

from serving.pages import assets, charts, completeness, feeds, releases, repositories

router = APIRouter()
for each in (assets, charts, completeness, feeds, releases, repositories):
    router.include_router(each.router)
