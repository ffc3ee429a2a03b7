"""Names of places that copies of an ad are fitted with: cities of the IANA time zone database, countries, and large cities of the markets
that policies are shipped for. In small letters; words of four letters and more."""

from __future__ import annotations

_NAMES = """
    aaiun ababa abidjan accra addis adelaide aden aires alexandria algiers almaty america amman amsterdam anadyr anchorage andorra
    angeles anguilla antananarivo antigua apia aqtau aqtobe araguaina arenas argentina aruba ashgabat ashkhabad asmara asmera
    astrakhan asuncion athens atikokan atlanta atyrau auckland austin australia austria aviv azores baghdad bahrain baku bamako
    banderas bangalore bangkok bangui banjul barbados barnaul barthelemy bator beirut belem belfast belgium belgrade belize belém
    bengaluru berlin bermuda birmingham bishkek bissau blantyre bogota boise boston bougainville brasil brasília bratislava brazil
    brazzaville bremen brisbane bristol britain broken brunei brussels bucharest budapest bujumbura bulgaria burgas cairo calcutta
    cambridge campo canada canary canberra cancun cape caracas casablanca cayenne cayman ceuta chagos chatham chennai chicago
    chihuahua chile china chisinau chita choibalsan chongqing christmas chungking chuuk city ciudad cocos cologne colombia colombo
    comoro conakry copenhagen coyhaique croatia cuiaba curacao curitiba currie czechia dacca dakar dallas damascus danmarkshavn darwin
    delhi denmark denver detroit deutschland dhaka diego dili djibouti domingo dominica douala dresden dubai dublin dumontdurville
    dushanbe düsseldorf edinburgh edmonton efate egypt enderbury england eucla faeroe fakaofo faroe fiji finland fortaleza france
    francisco frankfurt freetown funafuti gaborone galapagos gambier gaza georgia germany gibraltar giza glasgow godthab gothenburg
    grande greece grenada guadalcanal guadeloupe guam guatemala guayaquil guernsey guyana göteborg halifax hamburg hannover harare
    harbin havana hebron helsinki hill hobart hong honolulu houston hovd howe hungary hyderabad iceland india indianapolis indonesia
    inlet inuvik ireland irkutsk isabel isle israel istanbul italy jakarta jamaica japan jayapura jersey jerusalem johannesburg
    johnston juarez juba juneau kabul kaliningrad kamchatka kampala kanton karachi kashgar kathmandu katmandu kenya kerguelen khandyga
    khartoum kiev kigali kinshasa kiritimati kirov kolkata kong kosrae kralendijk krasnoyarsk kuala kuching kuwait kwajalein kyiv
    kyoto köln lagos leeds leipzig libreville lima lindeman lisbon liverpool ljubljana lome london longyearbyen louisville lower
    luanda lubumbashi lumpur lusaka luxembourg macao macau maceio madeira madrid magadan mahe majuro makassar malabo malaysia maldives
    malmö malta managua manaus manchester manila maputo mariehamn marigot marino marquesas martinique maseru matamoros mauritius mayen
    mayotte mazatlan mbabane melbourne mendoza merida mexico miami midway minh minsk miquelon mogadishu monaco moncton monrovia
    monterrey montevideo montreal montserrat moresby morocco moscow mumbai munich muscat münchen nagoya nairobi nassau nauru ndjamena
    nera netherlands niamey nigeria nipigon niue norfolk norway nouakchott noumea novo novokuznetsk novosibirsk nuuk nürnberg ojinaga
    omsk oral osaka oslo ouagadougou pago palau panama pandang paramaribo paris patras paulo penh perth peru philadelphia phnom
    phoenix pitcairn plovdiv podgorica pohnpei poland pole ponape pontianak portugal prague prince princes puerto pune punta pyongyang
    qatar qostanay queensland qyzylorda rangoon rankin rarotonga recife regina resolute reunion reykjavik rico riga rioja riyadh
    romania rome rosario saigon saipan sakhalin salaam salta salvador samara samarkand samoa santarem santiago santo sapporo sarajevo
    saratov scoresbysund scotland seattle seoul serbia shanghai simferopol singapore skopje slovakia slovenia sofia spain
    srednekolymsk stanley stockholm stuttgart sverige sweden switzerland sydney tahiti taipei tallinn tarawa tashkent tasmania tbilisi
    tegucigalpa tehran tell thailand thessaloniki thimbu thimphu thule tijuana timbuktu tirane tiraspol tokyo tome tomsk tongatapu
    toronto tortola tripoli truk tunis turk turkey ujung ukraine ulaanbaatar ulan ulyanovsk uppsala urumqi uzhgorod vaduz vancouver
    varna vatican verde victoria vienna vientiane vilnius vincennes virgin vladivostok volgograd wake wales wallis warsaw washington
    windhoek winnipeg yakutsk yancowinna yangon yekaterinburg yellowknife yerevan york zagreb zaporozhye zurich
"""
PLACES = frozenset(_NAMES.split())
