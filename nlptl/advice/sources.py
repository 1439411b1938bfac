"""Where the rules come from, each said in a line: a paper with its year and what it measured, or files of this project
that were measured here.
"""

DEVLIN = "Devlin et al. 2019 (arXiv:1810.04805): BERT on GLUE, batch 16 or 32, rates 2e-5 to 5e-5, 2 to 4 epochs"
MOSBACH = "Mosbach et al. 2021 (arXiv:2006.04884): on small GLUE sets 20 epochs with a warm-up of a tenth are steadier"
ZHANG = "Zhang et al. 2021 (arXiv:2006.05987): on 1,000 rows 3 epochs are too few, and Adam's bias correction is needed"
LEE = "Lee, Tang and Lin 2019 (arXiv:1911.03090): a fourth of the layers of BERT and RoBERTa gave 90 % of the quality"
WU = "Wu and Dredze 2019 (arXiv:1904.09077): holding the lowest layers of mBERT can help zero-shot transfer"
HU = "Hu et al. 2022 (arXiv:2106.09685): LoRA equals full fine-tuning on GLUE and E2E with under 1 % of the weights"
BIDERMAN = "Biderman et al. 2024 (arXiv:2405.09673): LoRA learns less and forgets less, and its best rates are higher"
KUMAR = "Kumar et al. 2022 (arXiv:2202.10054): a new head, tuned with the body at once, distorts features"
LOSHCHILOV = "Loshchilov and Hutter 2019 (arXiv:1711.05101): decay apart from the gradient"
PASCANU = "Pascanu, Mikolov and Bengio 2013 (arXiv:1211.5063): clipping the norm tames gradients that explode"
OURS_CLASSIFICATION = (
    "benchmarks/results/classification.json: sst2, trec, banking77: MiniLM, full, 1e-4 to 2e-4, 3 to 8 epochs"
)
OURS_TASKS = "benchmarks/results/tasks.json: encoder with a new decoder, 1e-4, its rate 8 times, 20 epochs"
OURS_FROZEN = "benchmarks/results/speed_frozen.json: what frozen blocks save in time, measured here"
