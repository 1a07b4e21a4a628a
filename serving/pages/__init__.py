"""Pages, feeds, charts and badges. What a later source shows is one more router here."""

from fastapi import APIRouter

from serving.pages import assets, feeds, releases

router = APIRouter()
for each in (assets, feeds, releases):
    router.include_router(each.router)
