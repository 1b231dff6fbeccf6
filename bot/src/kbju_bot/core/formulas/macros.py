"""What the energy is made of: protein and fat by body weight, carbohydrates with the rest."""

import math
from dataclasses import dataclass
from enum import StrEnum

from kbju_bot.core.formulas.targets import NORMAL_BMI, OBESE_BMI, goal_range
from kbju_bot.core.profile import Goal, Sex

PROTEIN_KCAL = 4
FAT_KCAL = 9
CARBS_KCAL = 4

# Grams a kilogram and day. Morton and others (2018), Br J Sports Med 52:376: more than 1.6 (at most 2.2) builds no more
# muscle. The leaner the goal the larger the deficit, and the more protein spares the muscle.
PROTEIN_MINIMUM = 1.6
_PROTEIN = {Goal.HEALTHY: 1.6, Goal.ATHLETIC: 1.8, Goal.LEAN: 2.2}
FAT_MINIMUM = 0.8

# Of the energy, where there is room for more than the least fat; FAO and WHO (2010), FAO paper 91, advise 20-35 %.
_FAT_SHARE = 0.25


class MacrosRefusal(StrEnum):
    """Why there are no grams."""

    NOT_FEASIBLE = "not_feasible"
    """The least protein and the least fat together are more than the target."""


@dataclass(frozen=True, slots=True)
class Macros:
    """Grams a day."""

    protein_g: int
    fat_g: int
    carbs_g: int

    @property
    def kcal(self) -> int:
        """What the grams make: 4 kcal a gram of protein or carbohydrates, 9 a gram of fat."""
        return PROTEIN_KCAL * self.protein_g + FAT_KCAL * self.fat_g + CARBS_KCAL * self.carbs_g


def protein_weight_kg(sex: Sex, *, weight_kg: float, height_cm: float, lean_mass_kg: float | None) -> float:
    """Return the weight to reckon protein by: lean mass needs it, fat hardly does.

    Geisler and others (2017), Nutrients 9:23, show how body weight misleads. A fat body counts with what its lean mass
    would weigh with body fat at the upper end of the healthy range; as neither the percentage nor the BMI is certain,
    with not less than it would weigh at a BMI of 25 and not more than at one of 30. Without lean mass it is the BMI of
    25. Never more than the body weighs.
    """
    square_m = (height_cm / 100) ** 2
    reference_kg = NORMAL_BMI[1] * square_m
    if lean_mass_kg is not None:
        healthy_kg = lean_mass_kg / (1 - goal_range(Goal.HEALTHY, sex)[1] / 100)
        reference_kg = max(reference_kg, min(healthy_kg, OBESE_BMI * square_m))
    return min(weight_kg, reference_kg)


def share_out(goal: Goal, *, target_kcal: int, weight_kg: float, protein_weight_kg: float) -> Macros | MacrosRefusal:
    """Return grams whose energy is at most the target and less than 4 kcal below it.

    Protein is what the goal asks for and gives way, down to 1.6 g/kg, to the least fat, 0.8 g a kilogram of body
    weight. Carbohydrates have no minimum. `protein_weight_kg` is at most `weight_kg`; then protein leaves more than a
    quarter of the energy wherever fat gets its quarter.
    """
    least_protein = math.ceil(PROTEIN_MINIMUM * protein_weight_kg)
    least_fat = math.ceil(FAT_MINIMUM * weight_kg)
    if PROTEIN_KCAL * least_protein + FAT_KCAL * least_fat > target_kcal:
        return MacrosRefusal.NOT_FEASIBLE
    wanted_protein = max(least_protein, math.floor(_PROTEIN[goal] * protein_weight_kg))
    protein = min(wanted_protein, (target_kcal - FAT_KCAL * least_fat) // PROTEIN_KCAL)
    fat = max(least_fat, math.floor(_FAT_SHARE * target_kcal / FAT_KCAL))
    return Macros(protein, fat, (target_kcal - PROTEIN_KCAL * protein - FAT_KCAL * fat) // CARBS_KCAL)
