"""The script of the demo: the opening, the conversation, the spam, and the greetings."""

from typing import NamedTuple

from server.settings import PublicChannel

LOBBY, WORKSHOP, GALLEY = "lobby", "workshop", "galley"

TITLE = "The Harbour"
CHANNELS = (
    PublicChannel(LOBBY, "Lobby", ("Welcome to **The Harbour**. Be kind; report what is not.",), 20),
    PublicChannel(WORKSHOP, "Workshop", ("For things that are broken, or are about to be.",), 20),
    PublicChannel(GALLEY, "Galley", ("Food, drink and the weather, in that order. 🍲",), 20),
)


class ScriptLine(NamedTuple):
    """A message of a bot in a channel; Markdown."""

    who: str
    channel: str
    text: str


OPENING = (
    ScriptLine("tove", LOBBY, "Good morning, harbour. Wind **NE 4**, visibility good, one seal on the slipway. 🦭"),
    ScriptLine("marlow", LOBBY, "Night ferry is in. Twelve minutes late, and *nobody* noticed. I call that a success."),
    ScriptLine("Inés ⚓", LOBBY, "I noticed. I was the one waiting with the rope. 😄"),
    ScriptLine("小林", LOBBY, "おはようございます！ メロンパン are out of the oven: six left, five, ..."),
    ScriptLine("old pike", LOBBY, "Tide table says 07:42. The tide says otherwise."),
    ScriptLine("juniper", LOBBY, "Both are right, see https://tides.example/today (I changed the clock, not the sea)."),
    ScriptLine(
        "juniper",
        WORKSHOP,
        "The tide clock builds again. It was one character:\n\n```\n- if depth < 0:\n+ if depth <= 0:\n```",
    ),
    ScriptLine("marlow", WORKSHOP, "Does it run on the old box by the crane? `uname -a` there says *1998*."),
    ScriptLine(
        "Inés ⚓", WORKSHOP, "Mainsail repair, for the log:\n\n1. wash it\n2. find the tear\n3. find the **other** tear"
    ),
    ScriptLine("小林", GALLEY, "Today: rye 🍞, cardamom buns, あんパン, and one cake that leans to port."),
    ScriptLine("tove", GALLEY, "The leaning cake is *mine*. I will pick it up at ten."),
    ScriptLine("old pike", GALLEY, "Soup's on. Bring your own spoon, the last one sank. 🥄"),
    ScriptLine(
        "Lucky Deals",
        LOBBY,
        "🎁 **CONGRATULATIONS!!!** You were chosen for a FREE gold compass! "
        "Enter your password here within 10 minutes: http://free-gold-compass.example/claim?id=7781",
    ),
)

CONVERSATION = (
    ScriptLine("marlow", WORKSHOP, "Port engine makes a new noise. Not a *bad* noise. A new one."),
    ScriptLine("juniper", WORKSHOP, "On a scale from `purr` to `gravel`?"),
    ScriptLine("marlow", WORKSHOP, "Somewhere around **teaspoon in a drawer**."),
    ScriptLine("tove", LOBBY, "Small craft warning is lifted. Small craft, you may stop sulking."),
    ScriptLine("小林", GALLEY, "Question for all: 🍋 lemon or 🍒 cherry tomorrow? 明日のタルトです。"),
    ScriptLine("Inés ⚓", GALLEY, "Lemon! With the burnt top, por favor. 🔥"),
    ScriptLine("old pike", GALLEY, "Cherry. The birds left some this year."),
    ScriptLine("juniper", LOBBY, "Whoever named the printer `kraken`: it just ate four pages."),
    ScriptLine("marlow", LOBBY, "Feed it the tide table. It likes salt."),
    ScriptLine("Inés ⚓", WORKSHOP, "Has anyone seen my palm? The *sewing* kind, brown leather, smells of tar."),
    ScriptLine("old pike", WORKSHOP, "On the bollard. A gull was wearing it."),
    ScriptLine("Inés ⚓", WORKSHOP, "It came back without the gull, gracias. ⚓"),
    ScriptLine(
        "tove",
        LOBBY,
        "Regatta on Saturday:\n\n- Golondrina, *red sails*\n- Patience, **not allowed**, still a ferry\n- who dares",
    ),
    ScriptLine("marlow", LOBBY, "Patience is offended and asks for a handicap of two knots."),
    ScriptLine("小林", GALLEY, "三対二でレモン! Three to two: lemon it is. 🍋"),
    ScriptLine("tove", GALLEY, "Can I vote for *both* and pay for one?"),
    ScriptLine(
        "juniper",
        WORKSHOP,
        "Cron job moved: `17 4 * * *` instead of `0 4 * * *`. The lighthouse no longer blinks at backups.",
    ),
    ScriptLine("marlow", WORKSHOP, "So *that* was the fourth flash. I logged it as a UFO."),
    ScriptLine("old pike", LOBBY, "In my day the fog had manners. It knocked."),
    ScriptLine("tove", LOBBY, "Pike, the fog is asking for you on channel 12. 🌫️"),
    ScriptLine("Inés ⚓", LOBBY, "🌈 Over the breakwater, quick, before it is gone!"),
    ScriptLine("小林", LOBBY, "きれい！ I saw it from the oven window."),
    ScriptLine(
        "juniper",
        GALLEY,
        "My cat `/dev/null` has discovered the fish crate. Everything goes in, nothing comes out. 🐈‍⬛",
    ),
    ScriptLine("old pike", GALLEY, "That was *my* crate."),
    ScriptLine("marlow", WORKSHOP, "Found the noise: a teaspoon. In a drawer. **Next to** the engine."),
    ScriptLine("juniper", WORKSHOP, "Closing as `works as designed`. 🥄"),
    ScriptLine("tove", LOBBY, "High water in an hour. If your shoes are on the quay, they are about to be *loaned*."),
    ScriptLine("Inés ⚓", LOBBY, "Sail loft is open until six; there is tea, and a tear that nobody can find."),
    ScriptLine("小林", GALLEY, "Last cardamom bun. 最後の一個です。 First to say `bun` gets it."),
    ScriptLine("marlow", GALLEY, "`bun`"),
    ScriptLine("old pike", GALLEY, "bun. Hm. Too late again."),
    ScriptLine("juniper", LOBBY, "The tide clock is at version **0.9.1**. Notes: https://tideclock.example/changes"),
)

SPAM = (
    "⚡ LAST CHANCE ⚡ Your gold compass is waiting: http://free-gold-compass.example/claim?id=7782",
    "Dear member, your mailbox is **FULL**. Confirm your password: http://harbour-login.example/verify",
    "I earn 4000 a day from my boat!!! Ask me how, or look here: http://easy-boat-money.example 💰💰💰",
    "💊 No prescription, no questions, free shipping to every pier: http://pier-pharmacy.example",
    "🎁 **WINNER WINNER** 🎁 Only *today*: http://free-gold-compass.example/claim?id=7783",
)

GREETINGS = (
    "Ahoy {name}, welcome ashore! 👋",
    "{name} is in port. Mind the wet paint on the bollards, and *welcome*!",
    "Good to see you, {name}. There is tea in the loft and bread on quay no. 4.",
)

LURES = (
    "Psst {name}, new here? FREE gold compass for new members, only your *card number* is needed: "
    "http://free-gold-compass.example/welcome",
    "{name} dear friend!! You are visitor no. **1000000**. Collect your prize: http://lucky-visitor.example/prize 🏆",
)
"""Messages of the spammer to a newcomer, after the greeting."""

HINT = (
    "Hello {name}, only you and I can read this. Highlight a message with ↑; `r` reports it, `p` shows its author. "
    "Mention one of us, or write to us like this, and you get an answer. Your reports arrive at {site}"
)
