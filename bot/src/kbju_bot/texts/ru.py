"""The Russian texts."""

from collections.abc import Mapping

from kbju_bot.texts.keys import Text

TEXTS: Mapping[Text, str] = {
    # Greeting and consent
    Text.GREETING: (
        "Здравствуйте, {name}! Я помогаю считать КБЖУ — калории, белки, жиры и углеводы — и следить за тем, как "
        "меняется тело."
    ),
    Text.FRIEND: "друг",
    Text.CONSENT: (
        "Чтобы всё посчитать, я спрошу имя, дату рождения, пол, рост, вес, обхваты и образ жизни. Это данные о "
        "здоровье, поэтому нужно ваше согласие.\n\n• Данные хранятся только на сервере бота и никому не "
        "передаются.\n• /export пришлёт всё, что о вас записано, /delete_me удалит всё сразу и навсегда.\n• "
        "Подробнее — /privacy.\n\nБот — только для взрослых, не для беременных и не заменяет врача.\n\nСогласны ли "
        "вы на хранение и обработку этих данных?"
    ),
    Text.AGREE: "Даю согласие",
    Text.DECLINE: "Не даю согласия",
    Text.CONSENT_DECLINED: "Хорошо. Без согласия я ничего не спрашиваю и не храню. Передумаете — нажмите /start.",
    Text.CONSENT_NOT_RENEWED: (
        "Хорошо, новых данных я не спрашиваю и не записываю. То, что уже записано, можно получить (/export) или "
        "удалить (/delete_me). Передумаете — нажмите /start."
    ),
    Text.PRIVACY: (
        "Что хранится: ваше имя, дата рождения, пол, измерения, образ жизни, цель, предпочтения в еде, напоминание и "
        "настройки, а также имя и номер (ID) в Telegram — без номера вам нельзя ответить.\n\nЗачем: чтобы считать "
        "КБЖУ и показывать прогресс. Больше ни для чего.\n\nГде: в базе данных на сервере бота и в её резервных "
        "копиях, которые со временем стираются. Служебные записи о сообщениях стираются через неделю. В журналах и "
        "метриках нет ни имён, ни измерений. Сама переписка хранится в Telegram.\n\nВаши права: /export — получить "
        "всё (JSON и CSV), /delete_me — удалить всё и отозвать согласие."
    ),
    # Forms in general
    Text.PLACE: "Шаг {number} из {total}",
    Text.BACK: "← Назад",
    Text.CANCEL: "Отменить",
    Text.CANCELLED: "Отменено, ничего не изменилось.",
    Text.NOTHING_TO_CANCEL: "Отменять нечего. Меню — /menu.",
    Text.NO_STEP_BACK: "Это первый вопрос, возвращаться некуда.",
    Text.STALE_BUTTON: "Эта кнопка уже не действует. Посмотрите последние сообщения или откройте /menu.",
    Text.CHOOSE_A_BUTTON: "Не понимаю ответа. Выберите, пожалуйста, один из вариантов на кнопках.",
    Text.PLEASE_TEXT: "Ответьте, пожалуйста, обычным текстом или кнопкой.",
    Text.TEXT_TOO_LONG: "Слишком длинно: принимаю до {longest} знаков.",
    Text.CONTINUE: "Продолжим с того места, где остановились. Прервать — /cancel.",
    Text.FINISH_FIRST: "Сначала ответьте, пожалуйста, на вопрос. Прервать — /cancel.",
    Text.AS_IS: "{value}",
    Text.AS_BEFORE: "Как раньше: {value}",
    Text.KEEP: "Оставить",
    Text.CLEAR: "Стереть",
    Text.SKIP: "Пропустить",
    Text.NOT_STATED: "не указано",
    Text.SAVED: "Записано.",
    # The survey
    Text.SURVEY_INTRO: (
        "Несколько вопросов — и я всё посчитаю. Понадобятся весы и сантиметровая лента. Вернуться к предыдущему "
        "вопросу можно кнопкой «Назад», прервать — /cancel."
    ),
    Text.SURVEY_FIRST: "Сначала нужно пройти опрос: /start.",
    Text.SURVEY_CANCELLED: "Опрос прерван, ответы не записаны. Начать снова — /start.",
    Text.SURVEY_DONE: "Готово! Вот что получилось.",
    Text.ASK_NAME: "Как вас зовут?",
    Text.NAME_NOT_UNDERSTOOD: "Не похоже на имя: в нём должны быть буквы.",
    Text.NAME_TOO_LONG: "Слишком длинное имя: принимаю до {longest} знаков.",
    Text.ASK_BIRTH_DATE: "Когда вы родились? Например, 23.11.1990.",
    Text.DATE_NOT_UNDERSTOOD: "Не получается прочитать дату. Напишите день, месяц и год четырьмя цифрами: 23.11.1990.",
    Text.DATE_IMPLAUSIBLE: "Проверьте, пожалуйста, дату: возраст должен быть от {youngest} до {oldest} лет.",
    Text.ADULTS_ONLY: "Бот только для взрослых: формулы верны с {youngest} лет.",
    Text.ASK_SEX: "Ваш пол? От него зависят формулы.",
    Text.SEX_MALE: "Мужской",
    Text.SEX_FEMALE: "Женский",
    Text.ASK_HEIGHT: "Рост в сантиметрах? Например, 172.",
    Text.ASK_WEIGHT: "Вес в килограммах? Лучше взвеситься утром натощак. Например, 70,5.",
    Text.ASK_STEPS: "Сколько шагов вы проходите в обычный день?",
    Text.STEPS_UNDER_5000: "меньше 5000",
    Text.STEPS_UNDER_7500: "5000–7499",
    Text.STEPS_UNDER_10000: "7500–9999",
    Text.STEPS_UNDER_12500: "10\u00a0000–12\u00a0499",
    Text.STEPS_OVER_12500: "12\u00a0500 и больше",
    Text.ASK_SPORT: "Занимаетесь спортом? Каким в основном?",
    Text.SPORT_NONE: "не занимаюсь",
    Text.SPORT_LIGHT: "йога, пилатес, растяжка",
    Text.SPORT_STRENGTH: "силовые тренировки",
    Text.SPORT_CARDIO: "бег, плавание, велосипед, игры",
    Text.SPORT_MIXED: "силовые и кардио",
    Text.ASK_FREQUENCY: "Сколько тренировок в неделю?",
    Text.FREQUENCY_1: "1–2 раза в неделю",
    Text.FREQUENCY_3: "3–4 раза в неделю",
    Text.FREQUENCY_5: "5–6 раз в неделю",
    Text.FREQUENCY_7: "каждый день",
    Text.ASK_WAIST_MALE: (
        "Обхват талии в сантиметрах?\n\nКак мерить: стоя, лента горизонтально на уровне пупка, живот расслаблен, на "
        "спокойном выдохе."
    ),
    Text.ASK_WAIST_FEMALE: (
        "Обхват талии в сантиметрах?\n\nКак мерить: стоя, лента горизонтально в самом узком месте живота, на "
        "спокойном выдохе."
    ),
    Text.ASK_NECK: (
        "Обхват шеи в сантиметрах?\n\nКак мерить: сразу под гортанью, лента чуть наклонена вперёд и вниз, шея не "
        "напряжена."
    ),
    Text.ASK_HIP: (
        "Обхват бёдер в сантиметрах?\n\nКак мерить: ноги вместе, лента горизонтально по самому широкому месту ягодиц."
    ),
    Text.NECK_NOT_BELOW_WAIST: (
        "Обхват шеи должен быть меньше обхвата талии. Проверьте, пожалуйста; поправить талию можно кнопкой «Назад»."
    ),
    Text.NUMBER_NOT_UNDERSTOOD: "Не похоже на число. Напишите число от {low} до {high} {unit}, например {example}.",
    Text.NUMBER_OUT_OF_RANGE: "Не подходит: принимаю от {low} до {high} {unit}.",
    Text.KG: "кг",
    Text.CM: "см",
    Text.ASK_GOAL: (
        "К чему вы стремитесь?\n\n• Здоровье — процент жира, обычный для здорового человека.\n• Атлетичность — "
        "подтянутое тело.\n• Рельеф — хорошо видны мышцы."
    ),
    Text.GOAL_HEALTHY: "Здоровье",
    Text.GOAL_ATHLETIC: "Атлетичность",
    Text.GOAL_LEAN: "Рельеф",
    Text.GOAL_SAVED: "Цель записана, норма пересчитана.",
    Text.MEASUREMENTS_ADDED: "Измерения записаны.",
    Text.MEASUREMENTS_UPDATED: "Сегодняшние измерения обновлены.",
    # Results
    Text.BODY_FAT: "Жир: {percent} % (с учётом точности метода — от {low} до {high} %)",
    Text.BODY_FAT_GIRTHS: (
        "Процент жира по этим обхватам не посчитать: талия не больше шеи. Измерить заново — /measure."
    ),
    Text.BODY_FAT_IMPLAUSIBLE: (
        "По этим обхватам получается неправдоподобный процент жира. Измерьте их, пожалуйста, ещё раз: /measure."
    ),
    Text.GOAL_RANGE: "Цель «{goal}»: {low}–{high} % жира",
    Text.BMI: "Индекс массы тела: {bmi}",
    Text.BMR: "Основной обмен: {kcal} ккал в день ({method})",
    Text.METHOD_KATCH: "по формуле Кетча — Макардла",
    Text.METHOD_MIFFLIN: "по формуле Миффлина — Сан-Жеора",
    Text.DAILY_ENERGY: "Расход с учётом активности: {kcal} ккал в день",
    Text.TARGET: "Норма для цели «{goal}»: {kcal} ккал в день, {course}",
    Text.COURSE_DEFICIT: "дефицит {percent} %",
    Text.COURSE_MAINTAIN: "поддержание",
    Text.COURSE_SURPLUS: "профицит {percent} %",
    Text.MACROS: "Белки {protein} г · жиры {fat} г · углеводы {carbs} г",
    Text.MACROS_NOT_FEASIBLE: "Разложить эту норму на БЖУ нельзя: минимум белков и жиров уже больше неё.",
    Text.ADVICE_BELOW: "Жира меньше, чем в вашей цели. Худеть дальше не нужно.",
    Text.ADVICE_WITHIN: "Вы в пределах цели. Придерживайтесь нормы и обновляйте измерения раз в неделю.",
    Text.ADVICE_ABOVE: "Жира больше, чем в вашей цели. Спокойный темп — терять не больше 0,5–1 % веса в неделю.",
    Text.ADVICE_ABOVE_NO_DEFICIT: "Жира больше, чем в вашей цели, но есть меньше сейчас не стоит.",
    Text.LIMIT_BODY_FAT_UNKNOWN: "Процент жира неизвестен, поэтому норма посчитана по индексу массы тела.",
    Text.LIMIT_NO_SURPLUS_OBESE: (
        "Вес для такого процента жира слишком велик: похоже, какой-то обхват измерен неверно. Поэтому норма — без "
        "профицита."
    ),
    Text.LIMIT_NO_DEFICIT_LOW_BODY_FAT: "Жира уже так мало, что дефицит опасен: норма — поддержание.",
    Text.LIMIT_NO_DEFICIT_UNDERWEIGHT: "Вес ниже нормы для роста, поэтому норма — без дефицита.",
    Text.LIMIT_CALORIE_FLOOR: "Из-за безопасного минимума калорий дефицит меньше обычного или его нет.",
    Text.NO_MEDICAL_ADVICE: (
        "Это расчёт по формулам, а не медицинский совет. При болезнях, беременности и кормлении грудью посоветуйтесь "
        "с врачом."
    ),
    Text.GIRTHS_MISSING: "Для расчёта не хватает обхватов. Добавьте измерения: /measure.",
    # Menu
    Text.MENU: "Что будем делать?",
    Text.MENU_BACK: "← Меню",
    Text.MENU_DATA: "Мои данные",
    Text.MENU_PROGRESS: "Прогресс",
    Text.MENU_MEASURE: "Новые измерения",
    Text.MENU_GOAL: "Цель",
    Text.MENU_FOOD: "Предпочтения в еде",
    Text.MENU_REMIND: "Напоминание",
    Text.MENU_SETTINGS: "Настройки",
    Text.MENU_CONSULTATION: "Консультация",
    Text.FALLBACK: "Простите, этого я не понимаю. Вот что я умею:",
    Text.FAILURE: "Простите, у меня что-то сломалось, и сообщение осталось без ответа. Попробуйте, пожалуйста, позже.",
    Text.HELP: "Я считаю КБЖУ и показываю прогресс.\n\n{commands}",
    Text.RELEASE_SERVES: "Работает выпуск {release}.",
    Text.HELP_ADMIN: "/stats — числа о боте\n/broadcast — сообщение всем",
    Text.ABOUT_MENU: "меню",
    Text.ABOUT_MEASURE: "записать новые измерения",
    Text.ABOUT_PROGRESS: "график веса и жира",
    Text.ABOUT_DATA: "мои данные и расчёт",
    Text.ABOUT_GOAL: "сменить цель",
    Text.ABOUT_FOOD: "предпочтения в еде",
    Text.ABOUT_REMIND: "еженедельное напоминание",
    Text.ABOUT_SETTINGS: "язык, часовой пояс, опрос заново",
    Text.ABOUT_CANCEL: "прервать вопросы",
    Text.ABOUT_HELP: "эта подсказка",
    Text.ABOUT_PRIVACY: "как хранятся данные",
    Text.ABOUT_EXPORT: "получить все мои данные",
    Text.ABOUT_DELETE_ME: "удалить все мои данные",
    # My data
    Text.FIELD_NAME: "Имя",
    Text.FIELD_BIRTH_DATE: "Дата рождения",
    Text.FIELD_SEX: "Пол",
    Text.FIELD_HEIGHT: "Рост",
    Text.FIELD_WEIGHT: "Вес",
    Text.FIELD_WAIST: "Талия",
    Text.FIELD_NECK: "Шея",
    Text.FIELD_HIP: "Бёдра",
    Text.FIELD_STEPS: "Шаги в день",
    Text.FIELD_SPORT: "Спорт",
    Text.FIELD_GOAL: "Цель",
    Text.FIELD_MEASURED: "Измерено",
    # Progress
    Text.PROGRESS_TITLE: "Ваш прогресс",
    Text.PROGRESS_SINCE: "С {first} по {last}, измерений: {count}",
    Text.PROGRESS_WEIGHT: "Вес: {now} кг ({change} кг)",
    Text.PROGRESS_BODY_FAT: "Жир: {now} % ({change} п. п.)",
    Text.PROGRESS_LATELY: "С прошлого раза ({day}): {change} кг",
    Text.PROGRESS_ONE: "Пока одно измерение: {weight} кг, {day}. Добавьте ещё — и увидите изменения: /measure.",
    Text.PROGRESS_NONE: "Измерений пока нет. Добавить — /measure.",
    Text.CHART_WEIGHT: "Вес, кг",
    Text.CHART_BODY_FAT: "Жир, %",
    # Food, reminder, settings
    Text.ASK_LIKES: "Что вы любите есть?",
    Text.ASK_DISLIKES: "Чего вы не едите или не любите?",
    Text.FOOD: "Вы любите: {likes}\nНе едите: {dislikes}",
    Text.ASK_WEEKDAY: "В какой день недели напоминать об измерениях?",
    Text.WEEKDAY_1: "понедельник",
    Text.WEEKDAY_2: "вторник",
    Text.WEEKDAY_3: "среда",
    Text.WEEKDAY_4: "четверг",
    Text.WEEKDAY_5: "пятница",
    Text.WEEKDAY_6: "суббота",
    Text.WEEKDAY_7: "воскресенье",
    Text.ASK_HOUR: "В котором часу? Выберите или напишите от 0 до 23.",
    Text.HOUR_NOT_UNDERSTOOD: "Не понимаю времени. Напишите полный час от 0 до 23, например 9:00.",
    Text.ASK_ZONE: "Ваш часовой пояс? Выберите или напишите: например, UTC+5 или Europe/Berlin.",
    Text.ZONE_NOT_UNDERSTOOD: "Не знаю такого часового пояса. Напишите, например, UTC+5 или Europe/Berlin.",
    Text.ZONE_SAVED: "Часовой пояс записан: {zone}.",
    Text.ZONE_KALININGRAD: "Калининград, UTC+2",
    Text.ZONE_MOSCOW: "Москва, UTC+3",
    Text.ZONE_SAMARA: "Самара, UTC+4",
    Text.ZONE_YEKATERINBURG: "Екатеринбург, UTC+5",
    Text.ZONE_OMSK: "Омск, UTC+6",
    Text.ZONE_KRASNOYARSK: "Красноярск, UTC+7",
    Text.ZONE_IRKUTSK: "Иркутск, UTC+8",
    Text.ZONE_YAKUTSK: "Якутск, UTC+9",
    Text.ZONE_VLADIVOSTOK: "Владивосток, UTC+10",
    Text.ZONE_MAGADAN: "Магадан, UTC+11",
    Text.ZONE_KAMCHATKA: "Камчатка, UTC+12",
    Text.REMINDER: "Напоминание: {weekday}, {hour} ({zone}).",
    Text.REMINDER_OFF: "Выключить",
    Text.REMINDER_CHANGE: "Изменить",
    Text.REMINDER_IS_OFF: "Напоминание выключено.",
    Text.REMINDER_DUE: "Пора обновить измерения! Вес и обхваты займут пару минут.",
    Text.SETTINGS: "Настройки. Часовой пояс: {zone}.",
    Text.THIS_LANGUAGE: "Русский",
    Text.SETTING_ZONE: "Часовой пояс",
    Text.SETTING_EXPORT: "Мои данные файлом",
    Text.SETTING_PRIVACY: "Как хранятся данные",
    Text.SETTING_SURVEY: "Пройти опрос заново",
    Text.SETTING_DELETE: "Удалить всё",
    Text.LANGUAGE_SAVED: "Теперь я говорю по-русски.",
    Text.EXPORT_JSON: "Всё, что о вас записано (JSON).",
    Text.EXPORT_CSV: "Ваши измерения таблицей (CSV).",
    Text.NOTHING_STORED: "О вас ничего не записано.",
    Text.ASK_DELETE: (
        "Удалить всё, что о вас записано: профиль, измерения, настройки? Сначала можно получить копию — /export."
    ),
    Text.DELETE_BUTTON: "Да, удалить",
    Text.ASK_DELETE_FOREVER: "Последний шаг: вернуть данные будет нельзя.",
    Text.DELETE_FOREVER_BUTTON: "Удалить навсегда",
    Text.DELETED: "Всё удалено. Переписка остаётся в Telegram: её можно стереть там. Начать заново — /start.",
    # Admins
    Text.STATS: (
        "Пользователей: {users}, с согласием: {consents}, прошли опрос: {surveyed}\nАктивны за сутки: {active_day}, "
        "за неделю: {active_week}\nЗаблокировали бота: {blocked}\nИзмерений: {records}, напоминаний: "
        "{reminders}\nЖдут отправки: {outbox}"
    ),
    Text.ASK_BROADCAST: "Что разослать? Пришлите текст.",
    Text.BROADCAST_CONFIRM: "Разослать?",
    Text.BROADCAST_PREVIEW: "Так это увидят получатели ({recipients}):\n\n{body}",
    Text.BROADCAST_SEND: "Разослать",
    Text.BROADCAST_STOP: "Остановить",
    Text.BROADCAST_PROGRESS: "Рассылка {id}: отправлено {sent} из {total}, не доставлено {failed}.",
    Text.BROADCAST_DONE: "Рассылка {id} закончена: отправлено {sent} из {total}, не доставлено {failed}.",
    Text.BROADCAST_STOPPED: "Рассылка {id} остановлена: отправлено {sent} из {total}, не доставлено {failed}.",
    Text.BROADCAST_NOT_RUNNING: "Эта рассылка уже не идёт.",
}
