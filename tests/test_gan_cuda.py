"""Training on CUDA: half precision, exact resume, the same quality as on the CPU. Skipped where there is no device."""

import numpy as np
import pytest
import torch
from test_gan import MODELS, SMALL, trials

from brainsim.checkpoint import read_tensors
from brainsim.gan import ConditionalGAN
from brainsim.generated import generate
from brainsim.model.r3gan import R3GAN
from brainsim.scaling import training_trials
from brainsim.setting import Setting
from brainsim.training import Trainer

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


def test_networks_run_in_half_precision_and_weights_stay_in_single():
    plan = Setting(**SMALL, device="cuda").completed(R3GAN.defaults, 24)
    trainer = Trainer(R3GAN(), plan, training_trials(trials())[0])
    with trainer.precision():
        score = trainer.critic(trainer.activity[:8], trainer.stimulus[:8])
        assert torch.get_autocast_dtype("cuda") == torch.bfloat16
    assert score.device.type == "cuda"
    assert np.isfinite(trainer.epoch()).all()
    assert {p.dtype for p in trainer.generator.parameters()} == {torch.float32}


@pytest.mark.parametrize("model", MODELS)
def test_resumed_training_is_the_uninterrupted_one(tmp_path, model):
    setting = {**SMALL, "model": model, "sample_interval": 2, "device": "cuda"}
    recording = trials(20, 29, 40)
    ConditionalGAN(**{**setting, "epochs": 6}).fit(recording, folder=tmp_path / "whole")
    ConditionalGAN(**{**setting, "epochs": 4}).fit(recording, folder=tmp_path / "parts")
    ConditionalGAN(**{**setting, "epochs": 6}).fit(recording, folder=tmp_path / "parts", resume=True)
    left, right = (read_tensors(tmp_path / run / "training.safetensors") for run in ("whole", "parts"))
    assert all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("model", MODELS)
def test_what_was_trained_on_cuda_is_sampled_on_a_cpu_and_like_what_a_cpu_trains(tmp_path, model):
    recording, means = trials(96, 6, 20), {}
    label = np.arange(3).repeat(200)
    for device in ("cpu", "cuda"):
        setting = {**SMALL, "model": model, "epochs": 300, "critic_steps": 2, "device": device}
        ConditionalGAN(**setting).fit(recording, folder=tmp_path / device)
        loaded = ConditionalGAN.load(tmp_path / device)
        assert loaded.sample(2)["calcium"].notnull().all()
        activity = generate(loaded.generator_, label, 0)
        means[device] = np.stack([activity[label == each].mean(0) for each in range(3)])
    assert np.corrcoef(means["cpu"].ravel(), means["cuda"].ravel())[0, 1] > 0.9
