"""Letters that look like ASCII letters.

Source: the mappings of confusables.txt (UTS #39, Unicode Security Mechanisms), under the Unicode
License V3 (https://www.unicode.org/license.txt), narrowed to single letters. Left out: what
compatibility decomposition (NFKD) resolves as well, digits and symbols, sequences of more than two
letters, the Cyrillic Ы and Ю, scripts written without spaces. Cased letters are listed by their
lower case, whose own look decides, or else that of their capital: so both cases of a word of a
native script are read alike. Added: Latin letters that no decomposition resolves (ß, ł, ø, …).
"I" stands for what may be an i or an l.
"""

from __future__ import annotations

LOOKS: dict[str, str] = {
    "I": "ǀᛁⲓⵏꓲ𐊊𐌉𖼨",
    "a": "ɑαаᗅẚꓮꭺ𐊠𖽀",
    "b": "ƀƃƅɓβбвьѣҍᏼᑲᑳᖯᗷꓐꞵꮟ𐊂𐊡𐌁",
    "c": "ȼϲсҫᴄⲥꓚꮯ𐊢𐌂𐐽𐔜",
    "d": "ðđƌɖɗԁᑯᗞᗪꓒꓓꭰꮷ",
    "e": "ɇεеёҽҿⴹꓰꬲꭼ𐊆𑣆𑣎",
    "f": "ƒϝքᖴᵮẝꓝꞙꬵ𐊇𐊥𐔥𑣂",
    "g": "ƍǥɠɡԍցᏻᶃꓖꮐ",
    "h": "ħɦнћңһӈӊհᏺᕼⱨⲏꓧꚕꮋꮒ𐋏",
    "i": "ıɨɩɪιіӏᵻᵼꙇꭵ𑣃",
    "j": "ɉʝϳјᒍꓙꭻ",
    "k": "ĸƙκкқҟᛕⱪⲕꓗꝁꮶ𐔘",
    "l": "łƚɫɭᒪᣳⳑꓡꮮ𐑃𐔦𑣒𖼖",
    "m": "ɱμϻмӎᗰᛖᵯⲙꓟꭑꮇ𐊰𐌑𑜀",
    "n": "ƞɲɳηոռᵰⲛꓠ𐔓",
    "o": "øɵθοσоѳөօଠഠჿዐᴏᴑⲟⴱⵁⵔꓳꝋꬽꬾꭴꮎꮻ𐊒𐊫𐐬𐓪𐔖𑣈𑣕𑣗",
    "p": "þƥρрᑭᣖᵽⲣꓑꮲ𐊕",
    "q": "ʠԛգզⵕ",
    "r": "ɍɼɽʀгғᖇᣴᴦᵲⲅꓣꭇꭈꭱꮁꮢ𐓜𖼵",
    "s": "ſƽʂѕտᣵᵴꓢꜱꮥꮪ𐊖𐑈𑣁𖼺",
    "t": "ŧƫƭʈτтҭᵵⱦⲧꓔꭲ𐊗𐊱𐌕𖼊",
    "u": "ʉʋυսሀᑌᴜᵾꓴꞟꭎꭒꮜ𐓶𑣘𖽂",
    "v": "νѵᐯᴠⴸꓦꛟꮩ𐔝𑜆𑣀𖼈",
    "w": "ɯωѡѽԝաᴡꓪꝡꮃꮤ𑓅𑜊𑜎𑜏",
    "x": "χхҳᕁᕽᚷⲭⵝꓫꭓ𐊐𐊴𐌗𐔧",
    "y": "ƴɏɣʏγуүұყᶌỿⲩꓬꭚꭹꮍ𐊲𑣜𖽃",
    "z": "ƶȥʐζᙆᴢᵶꓜꮓ𑣄𑣉",
    "aa": "ꜳ",
    "ae": "æӕ",
    "ao": "ꜵ",
    "au": "ꜷ",
    "av": "ꜹꜻ",
    "ay": "ꜽ",
    "dz": "ʣ",
    "ll": "ǁ",
    "ls": "ʪ",
    "lz": "ʫ",
    "oe": "œ",
    "oo": "ꚙꝏ",
    "ss": "ß",
    "tf": "ꝷ",
    "ts": "ʦ",
    "ue": "ᵫ",
    "uo": "ꭣ",
}
"""What it is read as → the letters that are."""

LETTERS: dict[str, str] = {letter: read for read, letters in LOOKS.items() for letter in letters}
