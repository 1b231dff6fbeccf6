"""The English texts."""

from collections.abc import Mapping

from kbju_bot.texts.keys import Text

TEXTS: Mapping[Text, str] = {
    # Greeting and consent
    Text.GREETING: (
        "Hello, {name}! I help you count calories, protein, fat and carbohydrates, and follow how your body changes."
    ),
    Text.FRIEND: "friend",
    Text.CONSENT: (
        "To calculate anything I will ask for your name, birth date, sex, height, weight, body measurements and "
        "activity. That is health data, so I need your consent.\n\n• The data stays on the bot's own server and is "
        "given to nobody.\n• /export sends you all that is stored about you, /delete_me deletes all of it at once "
        "and for good.\n• More about it: /privacy.\n\nThe bot is for adults only, not for pregnancy, and does not "
        "replace a doctor.\n\nDo you agree to this data being stored and processed?"
    ),
    Text.AGREE: "I agree",
    Text.DECLINE: "I do not agree",
    Text.CONSENT_DECLINED: (
        "All right. Without your consent I ask nothing and keep nothing. If you change your mind: /start."
    ),
    Text.CONSENT_NOT_RENEWED: (
        "All right, I will not ask for or store anything new. You can get what is stored already (/export) or delete "
        "it (/delete_me). If you change your mind: /start."
    ),
    Text.PRIVACY: (
        "What is stored: your name, birth date, sex, measurements, activity, goal, food preferences, reminder and "
        "settings, and your Telegram name and number (ID), without which I could not answer.\n\nWhat for: to "
        "calculate your macros and show your progress. Nothing else.\n\nWhere: in a database on the bot's server and "
        "in its backups, which are erased in time. Technical notes about messages are erased after a week. Logs and "
        "metrics hold neither names nor measurements. The chat itself is stored by Telegram.\n\nYour rights: /export "
        "gives you everything (JSON and CSV), /delete_me deletes everything and withdraws your consent."
    ),
    # Forms in general
    Text.PLACE: "Step {number} of {total}",
    Text.BACK: "← Back",
    Text.CANCEL: "Cancel",
    Text.CANCELLED: "Cancelled, nothing has changed.",
    Text.NOTHING_TO_CANCEL: "There is nothing to cancel. The menu: /menu.",
    Text.NO_STEP_BACK: "This is the first question, there is nothing to go back to.",
    Text.STALE_BUTTON: "This button no longer works. Please see the latest messages or open /menu.",
    Text.CHOOSE_A_BUTTON: "I do not understand that. Please choose one of the buttons.",
    Text.PLEASE_TEXT: "Please answer in plain text or with a button.",
    Text.TEXT_TOO_LONG: "That is too long: I take up to {longest} characters.",
    Text.CONTINUE: "Let us go on where we stopped. To stop: /cancel.",
    Text.FINISH_FIRST: "Please answer this question first. To stop: /cancel.",
    Text.AS_IS: "{value}",
    Text.AS_BEFORE: "As before: {value}",
    Text.KEEP: "Keep",
    Text.CLEAR: "Erase",
    Text.SKIP: "Skip",
    Text.NOT_STATED: "not stated",
    Text.SAVED: "Saved.",
    # The survey
    Text.SURVEY_INTRO: (
        "A few questions, and I will calculate everything. You will need scales and a measuring tape. The button "
        "Back leads to the previous question, /cancel stops the survey."
    ),
    Text.SURVEY_FIRST: "Please take the survey first: /start.",
    Text.SURVEY_CANCELLED: "The survey is cancelled and your answers are not stored. To start again: /start.",
    Text.SURVEY_DONE: "Done! Here are your results.",
    Text.ASK_NAME: "What is your name?",
    Text.NAME_NOT_UNDERSTOOD: "That does not look like a name: it should have letters.",
    Text.NAME_TOO_LONG: "That name is too long: I take up to {longest} characters.",
    Text.ASK_BIRTH_DATE: "When were you born? Day, month, year: for example, 23.11.1990.",
    Text.DATE_NOT_UNDERSTOOD: (
        "I can't read this date. Please write the day, the month and a four-digit year: 23.11.1990."
    ),
    Text.DATE_IMPLAUSIBLE: "Please check the date: the age has to be from {youngest} to {oldest}.",
    Text.ADULTS_ONLY: "The bot is for adults only: the formulas hold from the age of {youngest}.",
    Text.ASK_SEX: "What is your sex? The formulas depend on it.",
    Text.SEX_MALE: "Male",
    Text.SEX_FEMALE: "Female",
    Text.ASK_HEIGHT: "What is your height in centimetres? For example, 172.",
    Text.ASK_WEIGHT: (
        "What is your weight in kilograms? It is best to weigh yourself in the morning before eating. For example, "
        "70.5."
    ),
    Text.ASK_STEPS: "How many steps do you walk on a usual day?",
    Text.STEPS_UNDER_5000: "under 5,000",
    Text.STEPS_UNDER_7500: "5,000–7,499",
    Text.STEPS_UNDER_10000: "7,500–9,999",
    Text.STEPS_UNDER_12500: "10,000–12,499",
    Text.STEPS_OVER_12500: "12,500 or more",
    Text.ASK_SPORT: "Do you do any sport? Mostly which kind?",
    Text.SPORT_NONE: "none",
    Text.SPORT_LIGHT: "yoga, pilates, stretching",
    Text.SPORT_STRENGTH: "strength training",
    Text.SPORT_CARDIO: "running, swimming, cycling, ball games",
    Text.SPORT_MIXED: "strength and cardio",
    Text.ASK_FREQUENCY: "How many workouts a week?",
    Text.FREQUENCY_1: "1–2 times a week",
    Text.FREQUENCY_3: "3–4 times a week",
    Text.FREQUENCY_5: "5–6 times a week",
    Text.FREQUENCY_7: "every day",
    Text.ASK_WAIST_MALE: (
        "What is your waist in centimetres?\n\nHow to measure: standing, the tape level at the navel, belly relaxed, "
        "after a calm breath out."
    ),
    Text.ASK_WAIST_FEMALE: (
        "What is your waist in centimetres?\n\nHow to measure: standing, the tape level at the narrowest part of the "
        "belly, after a calm breath out."
    ),
    Text.ASK_NECK: (
        "What is your neck in centimetres?\n\nHow to measure: just below the larynx, the tape sloping slightly down "
        "to the front, neck relaxed."
    ),
    Text.ASK_HIP: (
        "What are your hips in centimetres?\n\nHow to measure: feet together, the tape level at the widest part of "
        "the buttocks."
    ),
    Text.NECK_NOT_BELOW_WAIST: (
        "The neck has to be smaller than the waist. Please check; the button Back lets you correct the waist."
    ),
    Text.NUMBER_NOT_UNDERSTOOD: (
        "That does not look like a number. Please write one from {low} to {high} {unit}, such as {example}."
    ),
    Text.NUMBER_OUT_OF_RANGE: "That is out of range: I take {low} to {high} {unit}.",
    Text.KG: "kg",
    Text.CM: "cm",
    Text.ASK_GOAL: (
        "What is your aim?\n\n• Healthy: the usual body fat of a healthy person.\n• Athletic: a fit body.\n• Lean: "
        "muscles clearly visible."
    ),
    Text.GOAL_HEALTHY: "Healthy",
    Text.GOAL_ATHLETIC: "Athletic",
    Text.GOAL_LEAN: "Lean",
    Text.GOAL_SAVED: "Your goal is saved and your target recalculated.",
    Text.MEASUREMENTS_ADDED: "Your measurements are saved.",
    Text.MEASUREMENTS_UPDATED: "Today's measurements are updated.",
    # Results
    Text.BODY_FAT: "Body fat: {percent}% (within the method's accuracy: {low} to {high}%)",
    Text.BODY_FAT_GIRTHS: (
        "Body fat can't be computed from these measurements: the waist is not above the neck. To measure again: "
        "/measure."
    ),
    Text.BODY_FAT_IMPLAUSIBLE: "These measurements give an implausible body fat. Please take them again: /measure.",
    Text.GOAL_RANGE: "Goal {goal}: {low}–{high}% body fat",
    Text.BMI: "Body mass index: {bmi}",
    Text.BMR: "Basal metabolic rate: {kcal} kcal a day ({method})",
    Text.METHOD_KATCH: "by Katch-McArdle",
    Text.METHOD_MIFFLIN: "by Mifflin-St Jeor",
    Text.DAILY_ENERGY: "Spent with your activity: {kcal} kcal a day",
    Text.TARGET: "Target for the goal {goal}: {kcal} kcal a day, {course}",
    Text.COURSE_DEFICIT: "a {percent}% deficit",
    Text.COURSE_MAINTAIN: "maintenance",
    Text.COURSE_SURPLUS: "a {percent}% surplus",
    Text.MACROS: "Protein {protein} g · fat {fat} g · carbohydrates {carbs} g",
    Text.MACROS_NOT_FEASIBLE: (
        "This target can't be split into macros: the minimum of protein and fat alone exceeds it."
    ),
    Text.ADVICE_BELOW: "Your body fat is below your goal. There is no need to lose more.",
    Text.ADVICE_WITHIN: "You are within your goal. Keep to the target and renew the measurements once a week.",
    Text.ADVICE_ABOVE: "Your body fat is above your goal. A calm pace is no more than 0.5–1% of your weight a week.",
    Text.ADVICE_ABOVE_NO_DEFICIT: "Your body fat is above your goal, but you should not eat less now.",
    Text.LIMIT_BODY_FAT_UNKNOWN: "Body fat is unknown, so the target goes by the body mass index.",
    Text.LIMIT_NO_SURPLUS_OBESE: (
        "The weight is too high for so little body fat: one of the measurements is probably wrong. So there is no "
        "surplus."
    ),
    Text.LIMIT_NO_DEFICIT_LOW_BODY_FAT: (
        "Body fat is already so low that a deficit would be unsafe: the target is maintenance."
    ),
    Text.LIMIT_NO_DEFICIT_UNDERWEIGHT: "The weight is low for the height, so there is no deficit.",
    Text.LIMIT_CALORIE_FLOOR: (
        "Because of the safe minimum of calories the deficit is smaller than usual or there is none."
    ),
    Text.NO_MEDICAL_ADVICE: (
        "These are formulas, not medical advice. In illness, pregnancy or while breastfeeding please ask a doctor."
    ),
    Text.GIRTHS_MISSING: "Some measurements are missing for the calculation. Please add them: /measure.",
    # Menu
    Text.MENU: "What would you like to do?",
    Text.MENU_BACK: "← Menu",
    Text.MENU_DATA: "My data",
    Text.MENU_PROGRESS: "Progress",
    Text.MENU_MEASURE: "New measurements",
    Text.MENU_GOAL: "Goal",
    Text.MENU_FOOD: "Food preferences",
    Text.MENU_REMIND: "Reminder",
    Text.MENU_SETTINGS: "Settings",
    Text.MENU_CONSULTATION: "Consultation",
    Text.FALLBACK: "Sorry, I do not understand that. Here is what I can do:",
    Text.FAILURE: "Sorry, something broke on my side and this message was not handled. Please try again later.",
    Text.HELP: "I count your macros and show your progress.\n\n{commands}",
    Text.RELEASE_SERVES: "Release {release} serves now.",
    Text.HELP_ADMIN: "/stats — figures of the bot\n/broadcast — a message to everyone",
    Text.ABOUT_MENU: "the menu",
    Text.ABOUT_MEASURE: "new measurements",
    Text.ABOUT_PROGRESS: "chart of weight and body fat",
    Text.ABOUT_DATA: "your data and results",
    Text.ABOUT_GOAL: "change the goal",
    Text.ABOUT_FOOD: "food preferences",
    Text.ABOUT_REMIND: "a weekly reminder",
    Text.ABOUT_SETTINGS: "language, time zone, survey again",
    Text.ABOUT_CANCEL: "stop the questions",
    Text.ABOUT_HELP: "this help",
    Text.ABOUT_PRIVACY: "how your data is kept",
    Text.ABOUT_EXPORT: "get all your data",
    Text.ABOUT_DELETE_ME: "delete all your data",
    # My data
    Text.FIELD_NAME: "Name",
    Text.FIELD_BIRTH_DATE: "Birth date",
    Text.FIELD_SEX: "Sex",
    Text.FIELD_HEIGHT: "Height",
    Text.FIELD_WEIGHT: "Weight",
    Text.FIELD_WAIST: "Waist",
    Text.FIELD_NECK: "Neck",
    Text.FIELD_HIP: "Hips",
    Text.FIELD_STEPS: "Steps a day",
    Text.FIELD_SPORT: "Sport",
    Text.FIELD_GOAL: "Goal",
    Text.FIELD_MEASURED: "Measured",
    # Progress
    Text.PROGRESS_TITLE: "Your progress",
    Text.PROGRESS_SINCE: "From {first} to {last}, measurements: {count}",
    Text.PROGRESS_WEIGHT: "Weight: {now} kg ({change} kg)",
    Text.PROGRESS_BODY_FAT: "Body fat: {now}% ({change} points)",
    Text.PROGRESS_LATELY: "Since the last time ({day}): {change} kg",
    Text.PROGRESS_ONE: "One measurement so far: {weight} kg, {day}. Add another and you will see the change: /measure.",
    Text.PROGRESS_NONE: "There are no measurements yet. To add some: /measure.",
    Text.CHART_WEIGHT: "Weight, kg",
    Text.CHART_BODY_FAT: "Body fat, %",
    # Food, reminder, settings
    Text.ASK_LIKES: "What do you like to eat?",
    Text.ASK_DISLIKES: "What do you not eat or not like?",
    Text.FOOD: "You like: {likes}\nYou do not eat: {dislikes}",
    Text.ASK_WEEKDAY: "On which day of the week shall I remind you to measure?",
    Text.WEEKDAY_1: "Monday",
    Text.WEEKDAY_2: "Tuesday",
    Text.WEEKDAY_3: "Wednesday",
    Text.WEEKDAY_4: "Thursday",
    Text.WEEKDAY_5: "Friday",
    Text.WEEKDAY_6: "Saturday",
    Text.WEEKDAY_7: "Sunday",
    Text.ASK_HOUR: "At what hour? Choose one or write 0 to 23.",
    Text.HOUR_NOT_UNDERSTOOD: "I do not understand the time. Please write a full hour from 0 to 23, such as 9:00.",
    Text.ASK_ZONE: "What is your time zone? Choose one or write it, such as UTC+5 or Europe/Berlin.",
    Text.ZONE_NOT_UNDERSTOOD: "I do not know this time zone. Please write it like UTC+5 or Europe/Berlin.",
    Text.ZONE_SAVED: "The time zone is saved: {zone}.",
    Text.ZONE_KALININGRAD: "Kaliningrad, UTC+2",
    Text.ZONE_MOSCOW: "Moscow, UTC+3",
    Text.ZONE_SAMARA: "Samara, UTC+4",
    Text.ZONE_YEKATERINBURG: "Yekaterinburg, UTC+5",
    Text.ZONE_OMSK: "Omsk, UTC+6",
    Text.ZONE_KRASNOYARSK: "Krasnoyarsk, UTC+7",
    Text.ZONE_IRKUTSK: "Irkutsk, UTC+8",
    Text.ZONE_YAKUTSK: "Yakutsk, UTC+9",
    Text.ZONE_VLADIVOSTOK: "Vladivostok, UTC+10",
    Text.ZONE_MAGADAN: "Magadan, UTC+11",
    Text.ZONE_KAMCHATKA: "Kamchatka, UTC+12",
    Text.REMINDER: "Reminder: {weekday}, {hour} ({zone}).",
    Text.REMINDER_OFF: "Switch off",
    Text.REMINDER_CHANGE: "Change",
    Text.REMINDER_IS_OFF: "The reminder is off.",
    Text.REMINDER_DUE: "Time to renew your measurements! Weight and tape take a few minutes.",
    Text.SETTINGS: "Settings. Time zone: {zone}.",
    Text.THIS_LANGUAGE: "English",
    Text.SETTING_ZONE: "Time zone",
    Text.SETTING_EXPORT: "My data as files",
    Text.SETTING_PRIVACY: "How data is kept",
    Text.SETTING_SURVEY: "Take the survey again",
    Text.SETTING_DELETE: "Delete everything",
    Text.LANGUAGE_SAVED: "I speak English now.",
    Text.EXPORT_JSON: "Everything that is stored about you (JSON).",
    Text.EXPORT_CSV: "Your measurements as a table (CSV).",
    Text.NOTHING_STORED: "Nothing is stored about you.",
    Text.ASK_DELETE: (
        "Delete everything that is stored about you: profile, measurements, settings? You can get a copy first: "
        "/export."
    ),
    Text.DELETE_BUTTON: "Yes, delete",
    Text.ASK_DELETE_FOREVER: "The last step: the data can't be brought back.",
    Text.DELETE_FOREVER_BUTTON: "Delete for good",
    Text.DELETED: (
        "Everything is deleted. The chat stays with Telegram: you can clear it there. To start again: /start."
    ),
    # Admins
    Text.STATS: (
        "Users: {users}, with consent: {consents}, surveyed: {surveyed}\nActive within a day: {active_day}, a week: "
        "{active_week}\nBlocked the bot: {blocked}\nMeasurements: {records}, reminders: {reminders}\nWaiting to be "
        "sent: {outbox}"
    ),
    Text.ASK_BROADCAST: "What shall be sent? Please write the text.",
    Text.BROADCAST_CONFIRM: "Send it?",
    Text.BROADCAST_PREVIEW: "This is what the recipients will see ({recipients}):\n\n{body}",
    Text.BROADCAST_SEND: "Send",
    Text.BROADCAST_STOP: "Stop",
    Text.BROADCAST_PROGRESS: "Broadcast {id}: sent {sent} of {total}, not delivered {failed}.",
    Text.BROADCAST_DONE: "Broadcast {id} is done: sent {sent} of {total}, not delivered {failed}.",
    Text.BROADCAST_STOPPED: "Broadcast {id} is stopped: sent {sent} of {total}, not delivered {failed}.",
    Text.BROADCAST_NOT_RUNNING: "This broadcast is not running any more.",
}
