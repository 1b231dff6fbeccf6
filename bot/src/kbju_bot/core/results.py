"""What the formulas say, in words."""

from collections.abc import Mapping
from datetime import date

from kbju_bot.core import formulas
from kbju_bot.core.profile import Frequency, Goal, Sport, Steps
from kbju_bot.core.state import State, body_of
from kbju_bot.texts import Language, Text, number, render

STEPS: Mapping[Steps, Text] = {
    Steps.UNDER_5000: Text.STEPS_UNDER_5000,
    Steps.UNDER_7500: Text.STEPS_UNDER_7500,
    Steps.UNDER_10000: Text.STEPS_UNDER_10000,
    Steps.UNDER_12500: Text.STEPS_UNDER_12500,
    Steps.OVER_12500: Text.STEPS_OVER_12500,
}
SPORTS: Mapping[Sport, Text] = {
    Sport.NONE: Text.SPORT_NONE,
    Sport.LIGHT: Text.SPORT_LIGHT,
    Sport.STRENGTH: Text.SPORT_STRENGTH,
    Sport.CARDIO: Text.SPORT_CARDIO,
    Sport.MIXED: Text.SPORT_MIXED,
}
FREQUENCIES: Mapping[Frequency, Text] = {
    Frequency.ONE_TWO: Text.FREQUENCY_1,
    Frequency.THREE_FOUR: Text.FREQUENCY_3,
    Frequency.FIVE_SIX: Text.FREQUENCY_5,
    Frequency.DAILY: Text.FREQUENCY_7,
}
GOALS: Mapping[Goal, Text] = {
    Goal.HEALTHY: Text.GOAL_HEALTHY,
    Goal.ATHLETIC: Text.GOAL_ATHLETIC,
    Goal.LEAN: Text.GOAL_LEAN,
}
_REGIONS: Mapping[formulas.Region, Text] = {
    formulas.Region.BELOW: Text.ADVICE_BELOW,
    formulas.Region.WITHIN: Text.ADVICE_WITHIN,
    formulas.Region.ABOVE: Text.ADVICE_ABOVE,
}
_REFUSALS: Mapping[formulas.BodyFatRefusal, Text] = {
    formulas.BodyFatRefusal.GIRTHS: Text.BODY_FAT_GIRTHS,
    formulas.BodyFatRefusal.IMPLAUSIBLE: Text.BODY_FAT_IMPLAUSIBLE,
}
_COURSES: Mapping[formulas.Course, Text] = {
    formulas.Course.DEFICIT: Text.COURSE_DEFICIT,
    formulas.Course.MAINTAIN: Text.COURSE_MAINTAIN,
    formulas.Course.SURPLUS: Text.COURSE_SURPLUS,
}
_METHODS: Mapping[formulas.BmrMethod, Text] = {
    formulas.BmrMethod.KATCH_MCARDLE: Text.METHOD_KATCH,
    formulas.BmrMethod.MIFFLIN_ST_JEOR: Text.METHOD_MIFFLIN,
}
LIMITS: Mapping[formulas.Limit, Text] = {limit: Text(f"limit_{limit.value}") for limit in formulas.Limit}


def word(text: Text, language: Language) -> str:
    """Return a text that has no placeholders."""
    return render(text, language)


def describe(state: State, day: date, language: Language) -> str:
    """Return the results of the newest measurements: body fat, energy, macros, advice and their limits."""
    if state.profile is None or state.record is None:
        return render(Text.SURVEY_FIRST, language)
    body = body_of(state.profile, state.record)
    if body is None:
        return render(Text.GIRTHS_MISSING, language)
    assessment = formulas.assess(body, day)
    if isinstance(assessment, formulas.Unsuitable):
        return render(Text.ADULTS_ONLY, language, youngest="18")
    goal = render(GOALS[body.goal], language)
    paragraphs = [
        _body_fat(assessment, goal, language),
        _energy(assessment, goal, language),
        _advice(assessment, language),
        render(Text.NO_MEDICAL_ADVICE, language),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _body_fat(assessment: formulas.Assessment, goal: str, language: Language) -> str:
    low, high = assessment.goal_range
    lines = []
    if isinstance(fat := assessment.body_fat, formulas.BodyFat):
        values = {
            "percent": number(fat.percent, language),
            "low": number(fat.low, language),
            "high": number(fat.high, language),
        }
        lines.append(render(Text.BODY_FAT, language, **values))
    else:
        lines.append(render(_REFUSALS[fat], language))
    lines.append(render(Text.GOAL_RANGE, language, goal=goal, low=number(low, language), high=number(high, language)))
    lines.append(render(Text.BMI, language, bmi=number(assessment.bmi, language)))
    return "\n".join(lines)


def _energy(assessment: formulas.Assessment, goal: str, language: Language) -> str:
    target, macros = assessment.target, assessment.macros
    method = render(_METHODS[assessment.bmr_method], language)
    percent = abs(target.change) * 100
    course = render(
        _COURSES[target.course], language, percent=number(percent, language, digits=0 if percent >= 1 else 1)
    )
    lines = [
        render(Text.BMR, language, kcal=number(assessment.bmr_kcal, language), method=method),
        render(Text.DAILY_ENERGY, language, kcal=number(assessment.daily_kcal, language)),
        render(Text.TARGET, language, goal=goal, kcal=number(target.kcal, language), course=course),
    ]
    if isinstance(macros, formulas.Macros):
        values = {
            "protein": str(macros.protein_g),
            "fat": str(macros.fat_g),
            "carbs": str(macros.carbs_g),
        }
        lines.append(render(Text.MACROS, language, **values))
    else:
        lines.append(render(Text.MACROS_NOT_FEASIBLE, language))
    return "\n".join(lines)


def _advice(assessment: formulas.Assessment, language: Language) -> str:
    lines = []
    if isinstance(fat := assessment.body_fat, formulas.BodyFat):
        place = formulas.region(fat.percent, assessment.goal_range)
        # No word on how fast to lose weight for whom it is not safe.
        unsafe = place is formulas.Region.ABOVE and assessment.target.course is not formulas.Course.DEFICIT
        lines.append(render(Text.ADVICE_ABOVE_NO_DEFICIT if unsafe else _REGIONS[place], language))
    lines += [render(LIMITS[limit], language) for limit in assessment.target.limits]
    return "\n".join(lines)
