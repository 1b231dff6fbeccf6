"""The menu and what its buttons show."""

from collections.abc import Mapping, Sequence

from kbju_bot.core.commands import LISTED, Command
from kbju_bot.core.model import Button, Context, Keyboard, Reply
from kbju_bot.core.results import FREQUENCIES, GOALS, SPORTS, STEPS
from kbju_bot.core.state import Preferences, Profile, Record, Reminder, State
from kbju_bot.texts import Language, Text, number, render

_LAYOUT: tuple[tuple[tuple[Command, Text], ...], ...] = (
    ((Command.DATA, Text.MENU_DATA), (Command.PROGRESS, Text.MENU_PROGRESS)),
    ((Command.MEASURE, Text.MENU_MEASURE), (Command.GOAL, Text.MENU_GOAL)),
    ((Command.FOOD, Text.MENU_FOOD), (Command.REMIND, Text.MENU_REMIND)),
    ((Command.SETTINGS, Text.MENU_SETTINGS),),
)
DESCRIPTIONS: Mapping[Command, Text] = {command: Text(f"about_{command.value}") for command in LISTED}
# Russia's zones from west to east; others are typed.
ZONES: Mapping[str, Text] = {
    "Europe/Kaliningrad": Text.ZONE_KALININGRAD,
    "Europe/Moscow": Text.ZONE_MOSCOW,
    "Europe/Samara": Text.ZONE_SAMARA,
    "Asia/Yekaterinburg": Text.ZONE_YEKATERINBURG,
    "Asia/Omsk": Text.ZONE_OMSK,
    "Asia/Krasnoyarsk": Text.ZONE_KRASNOYARSK,
    "Asia/Irkutsk": Text.ZONE_IRKUTSK,
    "Asia/Yakutsk": Text.ZONE_YAKUTSK,
    "Asia/Vladivostok": Text.ZONE_VLADIVOSTOK,
    "Asia/Magadan": Text.ZONE_MAGADAN,
    "Asia/Kamchatka": Text.ZONE_KAMCHATKA,
}
WEEKDAYS = tuple(Text(f"weekday_{number}") for number in range(1, 8))


def open_button(command: Command, label: Text, language: Language) -> Button:
    """Return a button that does what the command does. It never grows stale."""
    return Button(render(label, language), f"m:{command.value}")


def menu_keyboard(context: Context, language: Language) -> Keyboard:
    """Return the buttons of the menu."""
    keyboard = [tuple(open_button(command, label, language) for command, label in row) for row in _LAYOUT]
    if context.consultation_url:
        keyboard.append((Button(render(Text.MENU_CONSULTATION, language), url=context.consultation_url),))
    return tuple(keyboard)


def menu(telegram_id: int, context: Context, language: Language, intro: str = "") -> Reply:
    """Return the menu, behind `intro`."""
    text = intro or render(Text.MENU, language)
    return Reply(telegram_id, text, menu_keyboard(context, language))


def help_text(language: Language, *, admin: bool) -> str:
    """Return the list of commands."""
    lines = [f"/{command.value} — {render(DESCRIPTIONS[command], language)}" for command in LISTED]
    if admin:
        lines.append(render(Text.HELP_ADMIN, language))
    return render(Text.HELP, language, commands="\n".join(lines))


def data(state: State, profile: Profile, record: Record, language: Language) -> str:
    """Return what is known of the user, line by line."""

    def centimetres(value: float | None) -> str:
        return "—" if value is None else f"{number(value, language)} {render(Text.CM, language)}"

    sport = render(SPORTS[profile.sport], language)
    if profile.frequency is not None:
        sport += ", " + render(FREQUENCIES[profile.frequency], language)
    lines = [
        (Text.FIELD_NAME, profile.name),
        (Text.FIELD_BIRTH_DATE, profile.birth_date.strftime("%d.%m.%Y")),
        (Text.FIELD_SEX, render(Text(f"sex_{profile.sex.value}"), language)),
        (Text.FIELD_HEIGHT, centimetres(profile.height_cm)),
        (Text.FIELD_WEIGHT, f"{number(record.weight_kg, language)} {render(Text.KG, language)}"),
        (Text.FIELD_WAIST, centimetres(record.waist_cm)),
        (Text.FIELD_NECK, centimetres(record.neck_cm)),
        *([(Text.FIELD_HIP, centimetres(record.hip_cm))] if record.hip_cm is not None else []),
        (Text.FIELD_STEPS, render(STEPS[profile.steps], language)),
        (Text.FIELD_SPORT, sport),
        (Text.FIELD_GOAL, render(GOALS[profile.goal], language)),
        (Text.FIELD_MEASURED, record.day.strftime("%d.%m.%Y")),
    ]
    return "\n".join(f"{render(label, language)}: {value}" for label, value in lines)


def food(preferences: Preferences, language: Language) -> str:
    """Return the food preferences as they are stored."""
    unknown = render(Text.NOT_STATED, language)
    likes, dislikes = preferences.likes or unknown, preferences.dislikes or unknown
    return render(Text.FOOD, language, likes=likes, dislikes=dislikes)


def reminder(set_to: Reminder, time_zone: str, language: Language) -> str:
    """Return when the reminder comes."""
    day = render(WEEKDAYS[set_to.weekday - 1], language)
    return render(Text.REMINDER, language, weekday=day, hour=f"{set_to.hour}:00", zone=zone_name(time_zone, language))


def zone_name(time_zone: str, language: Language) -> str:
    """Return a time zone as people write it: `Moscow, UTC+3`, and `UTC+3` for the database's `Etc/GMT-3`."""
    if time_zone in ZONES:
        return render(ZONES[time_zone], language)
    offset = time_zone.removeprefix("Etc/GMT")
    if offset == time_zone:
        return time_zone
    return "UTC" + offset.translate(str.maketrans("+-", "-+"))


def reminder_keyboard(language: Language) -> Keyboard:
    """Return the buttons under a reminder that is set."""
    return (
        (Button(render(Text.REMINDER_CHANGE, language), "r:new"), Button(render(Text.REMINDER_OFF, language), "r:off")),
        (open_button(Command.MENU, Text.MENU_BACK, language),),
    )


def language_button(language: Language) -> Button:
    """Return the button that chooses a language, in that language."""
    return Button(render(Text.THIS_LANGUAGE, language), f"l:{language.value}")


def settings_keyboard(language: Language) -> Keyboard:
    """Return the buttons of the settings."""
    return (
        tuple(language_button(one) for one in Language),
        (open_button(Command.ZONE, Text.SETTING_ZONE, language),),
        (
            open_button(Command.EXPORT, Text.SETTING_EXPORT, language),
            open_button(Command.PRIVACY, Text.SETTING_PRIVACY, language),
        ),
        (
            open_button(Command.SURVEY, Text.SETTING_SURVEY, language),
            open_button(Command.DELETE_ME, Text.SETTING_DELETE, language),
        ),
        (open_button(Command.MENU, Text.MENU_BACK, language),),
    )


def menu_commands() -> Mapping[str | None, Sequence[tuple[str, str]]]:
    """Return the commands for Telegram's menu by language code; None is for all others, who read English."""
    return {
        code: [(command.value, render(DESCRIPTIONS[command], language)) for command in LISTED]
        for code, language in ((None, Language.EN), ("ru", Language.RU))
    }
