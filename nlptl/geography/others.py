"""Rivers, languages and continents: facts and names, as public knowledge has them, typed by us.

Lengths in km as they are commonly given; sources differ by a few percent. A river's countries are those of ours through
which it flows or along which it runs.
"""

RIVERS = """
the Danube | 2850 | Austria, Bulgaria, Germany, Hungary, Romania, Slovakia, Ukraine
the Rhine | 1230 | Austria, France, Germany, Netherlands, Switzerland
the Elbe | 1094 | Czech Republic, Germany
the Oder | 866 | Czech Republic, Germany, Poland
the Vistula | 1047 | Poland
the Loire | 1010 | France
the Rhône | 812 | France, Switzerland
the Seine | 777 | France
the Po | 652 | Italy
the Tagus | 1007 | Portugal, Spain
the Ebro | 930 | Spain
the Douro | 897 | Portugal, Spain
the Volga | 3530 | Russia
the Dnieper | 2200 | Russia, Ukraine
the Thames | 346 | United Kingdom
the Shannon | 360 | Ireland
the Ural | 2428 | Kazakhstan, Russia
the Irtysh | 4248 | China, Kazakhstan, Russia
the Amur | 2824 | China, Russia
the Euphrates | 2800 | Turkey
the Yangtze | 6300 | China
the Yellow River | 5464 | China
the Mekong | 4350 | Cambodia, China, Laos, Myanmar, Thailand, Vietnam
the Ganges | 2525 | India
the Indus | 3180 | China, India, Pakistan
the Irrawaddy | 2170 | Myanmar
the Shinano | 367 | Japan
the Nile | 6650 | Egypt, South Sudan, Sudan, Uganda
the Blue Nile | 1450 | Ethiopia, Sudan
the Congo | 4700 | Democratic Republic of the Congo
the Orange | 2200 | South Africa
the Benue | 1400 | Nigeria
the Mississippi | 3770 | United States
the Colorado | 2330 | Mexico, United States
the Rio Grande | 3051 | Mexico, United States
the Yukon | 3190 | Canada, United States
the Mackenzie | 1738 | Canada
the Amazon | 6400 | Brazil, Colombia, Peru
the Paraná | 4880 | Argentina, Brazil, Paraguay
the Orinoco | 2140 | Colombia, Venezuela
the Magdalena | 1540 | Colombia
the Murray | 2508 | Australia
the Waikato | 425 | New Zealand
the Sepik | 1126 | Indonesia, Papua New Guinea
"""
"""River | km | countries."""

RIVER_NAMES = """
the Danube | Donau:f | Danubio:m | Danube:m | ドナウ川
the Rhine | Rhein:m | Rin:m | Rhin:m | ライン川
the Elbe | Elbe:f | Elba:m | Elbe:f | エルベ川
the Oder | Oder:f | Óder:m | Oder:m | オーデル川
the Vistula | Weichsel:f | Vístula:m | Vistule:f | ヴィスワ川
the Loire | Loire:f | Loira:m | Loire:f | ロワール川
the Rhône | Rhone:f | Ródano:m | Rhône:m | ローヌ川
the Seine | Seine:f | Sena:m | Seine:f | セーヌ川
the Po | Po:m | Po:m | Pô:m | ポー川
the Tagus | Tajo:m | Tajo:m | Tage:m | タホ川
the Ebro | Ebro:m | Ebro:m | Èbre:m | エブロ川
the Douro | Duero:m | Duero:m | Douro:m | ドウロ川
the Volga | Wolga:f | Volga:m | Volga:f | ヴォルガ川
the Dnieper | Dnepr:m | Dniéper:m | Dniepr:m | ドニエプル川
the Thames | Themse:f | Támesis:m | Tamise:f | テムズ川
the Shannon | Shannon:m | Shannon:m | Shannon:m | シャノン川
the Ural | Ural:m | Ural:m | Oural:m | ウラル川
the Irtysh | Irtysch:m | Irtish:m | Irtych:m | イルティシュ川
the Amur | Amur:m | Amur:m | Amour:m | アムール川
the Euphrates | Euphrat:m | Éufrates:m | Euphrate:m | ユーフラテス川
the Yangtze | Jangtsekiang:m | Yangtsé:m | Yangtsé:m | 長江
the Yellow River | Gelbe Fluss:m | río Amarillo:m | fleuve Jaune:m | 黄河
the Mekong | Mekong:m | Mekong:m | Mékong:m | メコン川
the Ganges | Ganges:m | Ganges:m | Gange:m | ガンジス川
the Indus | Indus:m | Indo:m | Indus:m | インダス川
the Irrawaddy | Irrawaddy:m | Irawadi:m | Irrawaddy:m | エーヤワディー川
the Shinano | Shinano:m | Shinano:m | Shinano:m | 信濃川
the Nile | Nil:m | Nilo:m | Nil:m | ナイル川
the Blue Nile | Blaue Nil:m | Nilo Azul:m | Nil Bleu:m | 青ナイル川
the Congo | Kongo:m | río Congo:m | Congo:m | コンゴ川
the Orange | Oranje:m | Orange:m | Orange:m | オレンジ川
the Benue | Benue:m | Benue:m | Bénoué:f | ベヌエ川
the Mississippi | Mississippi:m | Misisipi:m | Mississippi:m | ミシシッピ川
the Colorado | Colorado:m | río Colorado:m | Colorado:m | コロラド川
the Rio Grande | Rio Grande:m | río Bravo:m | Rio Grande:m | リオグランデ川
the Yukon | Yukon:m | Yukón:m | Yukon:m | ユーコン川
the Mackenzie | Mackenzie:m | Mackenzie:m | Mackenzie:m | マッケンジー川
the Amazon | Amazonas:m | Amazonas:m | Amazone:m | アマゾン川
the Paraná | Paraná:m | Paraná:m | Paraná:m | パラナ川
the Orinoco | Orinoco:m | Orinoco:m | Orénoque:m | オリノコ川
the Magdalena | Magdalena:m | río Magdalena:m | Magdalena:m | マグダレナ川
the Murray | Murray:m | Murray:m | Murray:m | マレー川
the Waikato | Waikato:m | Waikato:m | Waikato:m | ワイカト川
the Sepik | Sepik:m | Sepik:m | Sepik:m | セピック川
"""
"""English | German | Spanish | French | Japanese."""

LANGUAGES = """
German | Deutsch | alemán | allemand | ドイツ語
French | Französisch | francés | français | フランス語
Spanish | Spanisch | español | espagnol | スペイン語
Portuguese | Portugiesisch | portugués | portugais | ポルトガル語
Italian | Italienisch | italiano | italien | イタリア語
Polish | Polnisch | polaco | polonais | ポーランド語
Czech | Tschechisch | checo | tchèque | チェコ語
Slovak | Slowakisch | eslovaco | slovaque | スロバキア語
Hungarian | Ungarisch | húngaro | hongrois | ハンガリー語
Dutch | Niederländisch | neerlandés | néerlandais | オランダ語
Danish | Dänisch | danés | danois | デンマーク語
Swedish | Schwedisch | sueco | suédois | スウェーデン語
Norwegian | Norwegisch | noruego | norvégien | ノルウェー語
Finnish | Finnisch | finés | finnois | フィンランド語
English | Englisch | inglés | anglais | 英語
Irish | Irisch | irlandés | irlandais | アイルランド語
Romanian | Rumänisch | rumano | roumain | ルーマニア語
Bulgarian | Bulgarisch | búlgaro | bulgare | ブルガリア語
Greek | Griechisch | griego | grec | ギリシャ語
Ukrainian | Ukrainisch | ucraniano | ukrainien | ウクライナ語
Russian | Russisch | ruso | russe | ロシア語
Turkish | Türkisch | turco | turc | トルコ語
Persian | Persisch | persa | persan | ペルシア語
Kazakh | Kasachisch | kazajo | kazakh | カザフ語
Chinese | Chinesisch | chino | chinois | 中国語
Hindi | Hindi | hindi | hindi | ヒンディー語
Urdu | Urdu | urdu | ourdou | ウルドゥー語
Nepali | Nepalesisch | nepalí | népalais | ネパール語
Burmese | Birmanisch | birmano | birman | ビルマ語
Thai | Thailändisch | tailandés | thaï | タイ語
Lao | Laotisch | lao | lao | ラーオ語
Khmer | Khmer | jemer | khmer | クメール語
Vietnamese | Vietnamesisch | vietnamita | vietnamien | ベトナム語
Indonesian | Indonesisch | indonesio | indonésien | インドネシア語
Japanese | Japanisch | japonés | japonais | 日本語
Arabic | Arabisch | árabe | arabe | アラビア語
Amharic | Amharisch | amárico | amharique | アムハラ語
Swahili | Suaheli | suajili | swahili | スワヒリ語
Afrikaans | Afrikaans | afrikáans | afrikaans | アフリカーンス語
Guarani | Guaraní | guaraní | guarani | グアラニー語
Maori | Maori | maorí | maori | マオリ語
"""
"""English | German | Spanish | French | Japanese. All take a masculine article in Spanish and French."""

CONTINENTS = """
Africa | Afrika | África | Afrique:f | アフリカ
Asia | Asien | Asia | Asie:f | アジア
Europe | Europa | Europa | Europe:f | ヨーロッパ
North America | Nordamerika | América del Norte | Amérique du Nord:f | 北アメリカ
South America | Südamerika | América del Sur | Amérique du Sud:f | 南アメリカ
Oceania | Ozeanien | Oceanía | Océanie:f | オセアニア
"""
"""English | German | Spanish | French | Japanese."""
