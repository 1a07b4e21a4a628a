"""The channels by which alerts are sent; another one is one class more, named here."""

from orchestration.alerts.channel import Channel
from orchestration.alerts.mail import MailChannel
from orchestration.alerts.slack import SlackChannel

CHANNELS: tuple[type[Channel], ...] = (SlackChannel, MailChannel)
