"""The channels by which alerts are sent; another one is a class more in this list."""

from orchestration.alerts.channel import Channel

CHANNELS: tuple[type[Channel], ...] = ()
