"""Brazilian Portuguese copy."""

from __future__ import annotations

from adverdict.simulation.copy.pack import Copy, phrases, topic

PORTUGUESE = Copy(
    language="pt",
    joiner=" ",
    relation=(
        "Incluído {f}: {yes}. Não incluído {g}: {no}.",
        "Não incluído {g}: {no}. Incluído {f}: {yes}.",
        "Sim {f}: {yes}; não {g}: {no}.",
        "O que você recebe {f}: {yes}. O que você não encontra {g}: {no}.",
        "Em vez de {no}, oferecemos {f} {yes}.",
        "Oferecemos {f} {yes} em vez de {no}.",
    ),
    unclear=phrases("{a} ou {b}? Veja aqui. | Tudo sobre {a} e {b}. | {a}, {b} e mais. | Vamos falar sobre {a} e {b}."),
    warning=phrases("Alguém promete “{x}” Saia de perto. | Assim os leitores perceberam: “{x}” | “{x}” Outros escrevem isso, nós nunca."),
    pitch=phrases("{x} | Outros escondem, nós escrevemos: “{x}” | Você leu certo: “{x}” | Os leitores já perceberam: “{x}”"),
    plain=phrases("Você recebe {no} {f}. | {f}: {no}. | Peça {no} {f}."),
    fillers=phrases(
        "esta semana | em todas as lojas | como sempre | desde o primeiro dia | toda a temporada | a pedido | na sua cidade | "
        "para membros | a qualquer hora | até domingo"
    ),
    goods=phrases(
        "tênis de corrida | cadeiras de jardim | biscoitos de aveia | casacos de inverno | óculos de leitura | "
        "facas de cozinha | mochilas escolares | aulas de piano | capas de chuva | ração para gatos"
    ),
    claims=phrases(
        "Frete grátis acima de 150. | Dois anos de garantia. | Chegaram novas cores. | Peça hoje, retire amanhã. | "
        "Enquanto durar o estoque! | Devolução grátis por 30 dias. | Até 40% de desconto. | "
        "Sem risco: experimente antes de pagar."
    ),
    calls=phrases("Compre agora | Saiba mais | Cadastre-se | Reserve hoje | Pegue a oferta"),
    topics={
        "deceptive": topic(
            offers="plano de poupança | curso de bolsa | kit de trabalho em casa | chá emagrecedor",
            yes=(
                "lucro garantido | depósito dobrado | resultados imediatos | dicas secretas da bolsa | "
                "riqueza da noite para o dia | renda sem trabalho"
            ),
            no=(
                "taxas claras | aviso de risco impresso | conselho independente | prazo de reflexão | números auditados | "
                "letras miúdas legíveis"
            ),
            blunt=(
                "Os médicos odeiam este truque! | Dobre sua poupança em 7 dias, garantido. | Perca 15 quilos até sexta comendo de tudo."
            ),
            late="O robô que os bancos temem paga todo dia. | Sua herança espera, pague só o correio.",
        ),
        "gambling": topic(
            offers="noite de cassino | caça-níqueis | noite de esportes | mesa de pôquer",
            yes=(
                "apostas com dinheiro real | prêmios em dinheiro | apostas sem limite | bônus de depósito | "
                "cotações ao vivo por dinheiro | saques na hora"
            ),
            no=(
                "só moedas de brincadeira | uma demonstração grátis | uma mesa de treino | pontos para o placar | "
                "um limite de perda | troféus de papel"
            ),
            blunt="Aposte 10, jogue com 50. | Gire agora e saque em minutos! | Primeiro depósito dobrado, aposte hoje.",
            late="Ponha cripto na roleta, sem perguntas. | Acerte o jogo, receba antes do apito.",
        ),
        "kids_unsuitable": topic(
            offers="canal de desenhos | filme de bonecos | jogo de aventura | app de histórias",
            yes=("perseguições sangrentas | bonecas que gritam | sustos repentinos | jogos de bebida | desafios com fogo | caça a zumbis"),
            no="canções suaves | jogos de contar | histórias de ninar | animais amigos | páginas para colorir | um canto para os pais",
            blunt=(
                "A boneca acorda e ninguém sai. | Faça o desafio do fogo antes da mamãe chegar. | Ele ergue o machado e a escola se cala."
            ),
            late="O homem da máscara sabe qual é a sua janela. | Nível 9: enterre o professor antes do sinal.",
        ),
        "political_issue": topic(
            offers="boletim da cidade | noite dos cidadãos | podcast | jornal local",
            yes=(
                "um voto no Partido do Amieiro | o pedido de menos imposto de fronteira | apoio a Mira Voss | "
                "o fim dos voos noturnos | doações para a campanha | uma marcha contra a barragem"
            ),
            no=(
                "uma tabela neutra de horários | o caminho até a seção eleitoral | uma aula sobre parlamentos | "
                "os dois lados completos | o horário da prefeitura | tempo e trânsito"
            ),
            blunt="Leve Mira Voss à capital em maio. | Venderam nosso porto. Tire-os pelo voto. | Parem o imposto de fronteira.",
            late="A barragem afoga três aldeias, diga não. | Aluguel é roubo: a Lista Lanterna acaba com ele.",
        ),
        "counterfeit": topic(
            offers="relógio de grife | bolsa | tênis | óculos de sol",
            yes=(
                "cópias de {brand} | um logo igual ao de {brand} | réplicas de primeira | uma imitação que ninguém nota | "
                "certificados falsos | pacotes sem marca"
            ),
            no=(
                "certificado de {brand} | número de série | nota fiscal | conserto na {brand} | revendedores autorizados | desenho próprio"
            ),
            blunt=(
                "Mesma fábrica da {brand}, um décimo do preço. | Ninguém vai saber que não é {brand}. | 1:1 de {brand}, com caixa e papéis."
            ),
            late="{brand} do turno da noite. | O emblema da {brand} vai em outra carta.",
        ),
        "weapons": topic(
            offers="loja de coleção | loja de aventura | dia de estande | aluguel de cenografia",
            yes=(
                "pistolas que funcionam | cartuchos de verdade | lâminas escondidas | rifles sem registro | silenciadores | socos-ingleses"
            ),
            no=(
                "dardos de espuma | objetos cegos de cena | pistolas de água | verificação de licença | espadas de plástico | "
                "curso de segurança"
            ),
            blunt="Cabe no bolso e dispara nove vezes. | Sem papéis, enviado em duas caixas. | Termine em casa, número à sua escolha.",
            late="Imprima a base hoje, mandamos o cano. | Parece chave, abre como lâmina.",
        ),
        "adult": topic(
            offers="app de encontros | linha de conversa | clube de fotos | bar noturno",
            yes=(
                "fotos sem roupa | shows privados de câmera | conversas só para adultos | uma noite com estranhos | "
                "vídeos sem censura | companhia paga"
            ),
            no="perfis verificados | café com vizinhos | passeios no parque | retratos de terno | clube do livro | aulas de dança",
            blunt="Ela mora a duas ruas e está entediada. | Sem roupa, com câmera. | Sem nomes, uma noite, hoje.",
            late="Sua namorada de IA tira mais a cada nível. | Desbloqueie o segundo álbum dela.",
        ),
        "phishing": topic(
            offers="conta {brand} | encomenda {brand} | cartão {brand} | caixa postal {brand}",
            yes=(
                "um formulário para a sua senha | um campo para o número do cartão | um pedido do seu PIN | "
                "um link para confirmar sua identidade | envio do passaporte | um pedido do código único"
            ),
            no=(
                "uma carta pelo correio | hora marcada na agência | acesso só pelo aplicativo | ajuda sem link | "
                "visita ao balcão | um folheto sobre senhas"
            ),
            blunt=(
                "Sua conta {brand} está bloqueada, confirme aqui. | Encomenda {brand} retida: pague 1,99 e digite o cartão. | "
                "{brand}: acesso estranho, confirme em 24 horas."
            ),
            late="{brand} muda para chaves de acesso, escaneie já. | Oi mãe, número novo, {brand} quer o código.",
        ),
    },
)
