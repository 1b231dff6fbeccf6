"""A message to an admin, by which a deployment sees that messages go out."""

from telegram.error import BadRequest, Forbidden, TelegramError

from kbju_bot.settings import RunSettings
from kbju_bot.telegram.api import Api, build_bot
from kbju_bot.texts import Language, Text, render


class NotSentError(Exception):
    """Telegram did not take the message; the text says why."""


async def greet(settings: RunSettings, release: str) -> str:
    """Tell an admin, silently, that a release serves; return what was done. Raise NotSentError.

    An admin who has never written to the bot, or has blocked it, can't be written to. That is no fault of the release:
    Telegram has taken the token and answered.
    """
    if not settings.admin_ids:
        return "there is no admin to write to (kbju_admin_ids)"
    admin = min(settings.admin_ids)
    api = Api(build_bot(settings))
    # Whoever runs it reads Russian first, as its users do.
    text = render(Text.RELEASE_SERVES, Language.RU, release=release)
    try:
        await api.get_me()
        await api.call("sendMessage", {"chat_id": admin, "text": text, "disable_notification": True})
    except (BadRequest, Forbidden) as error:
        return f"admin {admin} can't be written to: {error.message}"
    except TelegramError as error:
        raise NotSentError(f"Telegram did not take a message: {type(error).__name__}: {error.message}") from error
    finally:
        await api.close()
    return f"admin {admin} was written to"
